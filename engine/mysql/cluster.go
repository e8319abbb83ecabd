package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
)

// What a server may be a node of.
const (
	galera           = "Galera"
	groupReplication = "Group Replication"
)

// A notReadyError says that a node must not be used, and which one.
type notReadyError struct{ cluster, node, why string }

func (e *notReadyError) Error() string {
	return fmt.Sprintf("node %s of the %s cluster takes no work: %s; connect to another node", e.node, e.cluster, e.why)
}

// probeCluster finds out whether this server is one of several that all take
// writes, and refuses a node that is cut off from the others: what it would
// say of the lock is of the past. SHOW is what such a node still answers.
func (s *session) probeCluster(ctx context.Context) error {
	v, err := s.pairs(ctx, "SHOW GLOBAL VARIABLES WHERE Variable_name IN "+
		"('wsrep_on', 'wsrep_provider', 'wsrep_node_name', 'group_replication_group_name', 'server_uuid')")
	if err != nil {
		return err
	}
	switch {
	case isOn(v["wsrep_on"]) && v["wsrep_provider"] != "" && v["wsrep_provider"] != "none":
		return s.probeGalera(ctx, v["wsrep_node_name"])
	case v["group_replication_group_name"] != "":
		return s.probeGroup(ctx, v["server_uuid"])
	}
	return nil
}

func (s *session) probeGalera(ctx context.Context, name string) error {
	st, err := s.pairs(ctx, "SHOW GLOBAL STATUS WHERE Variable_name IN "+
		"('wsrep_ready', 'wsrep_cluster_status', 'wsrep_local_state_comment', 'wsrep_gcomm_uuid')")
	if err != nil {
		return err
	}
	if !isOn(st["wsrep_ready"]) || st["wsrep_cluster_status"] != "Primary" {
		return &notReadyError{galera, name, fmt.Sprintf("wsrep_ready is %s, its part of the cluster is %s, and its state %s",
			st["wsrep_ready"], st["wsrep_cluster_status"], st["wsrep_local_state_comment"])}
	}
	// Names are the administrator's, and may be the same on several nodes;
	// the other part is new whenever the node starts.
	id, _, _ := strings.Cut(st["wsrep_gcomm_uuid"], "-")
	s.server.Cluster, s.server.Node = galera, name+"/"+id
	return nil
}

// probeGroup asks for this member's state; one that has not joined is a
// server like any other.
func (s *session) probeGroup(ctx context.Context, uuid string) error {
	var host, state sql.NullString
	err := s.conn.QueryRowContext(ctx, "SELECT MEMBER_HOST, MEMBER_STATE FROM performance_schema.replication_group_members WHERE MEMBER_ID = '"+
		strings.ReplaceAll(uuid, "'", "''")+"'").Scan(&host, &state)
	switch {
	case err == sql.ErrNoRows || err == nil && state.String == "OFFLINE":
		return nil
	case err != nil:
		return fmt.Errorf("ask whether this member of a group is online: %w", err)
	case state.String != "ONLINE":
		return &notReadyError{groupReplication, host.String, "its state is " + state.String}
	}
	id, _, _ := strings.Cut(uuid, "-")
	s.server.Cluster, s.server.Node = groupReplication, host.String+"/"+id
	return nil
}

// pairs reads what SHOW VARIABLES and its kin answer.
func (s *session) pairs(ctx context.Context, query string) (map[string]string, error) {
	rows, err := s.conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]string{}
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return nil, err
		}
		out[strings.ToLower(name)] = value
	}
	return out, rows.Err()
}

// leaseOnly says that err is a cluster's refusal of named locks: there, the
// row and its lease are all there is.
func leaseOnly(s engine.Session, err error) bool {
	if err == nil || s.Server().Cluster == "" {
		return false
	}
	f := fault(err)
	return f.Code == "1235" || strings.Contains(f.Message, "prohibits use of GET_LOCK") || strings.Contains(f.Message, "prohibits use of RELEASE_LOCK")
}

// onNode is the ID of a session of s's own node.
func onNode(s engine.Session, number int64) string {
	id := fmt.Sprint(number)
	if node := s.Server().Node; node != "" {
		id += "@" + node
	}
	return id
}

// ordered says that s runs DDL on Galera.
func ordered(s engine.Session) bool {
	own := own(s)
	return own != nil && own.ordered.Load()
}

// own finds our session below whatever was put around it, nil for none.
func own(s engine.Session) *session {
	for {
		if own, ok := s.(*session); ok {
			return own
		}
		u, ok := s.(interface{ Unwrap() engine.Session })
		if !ok {
			return nil
		}
		s = u.Unwrap()
	}
}
