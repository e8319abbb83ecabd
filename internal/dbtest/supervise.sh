# Runs one throwaway server for as long as somebody holds the other end of our
# standard input: its end-of-file is the one message that also arrives when
# that process panics or is killed.
#
# Arguments: the server's folder, the signal that ends it, the command that
# prepares the folder, the command that is the server.
dir=$1 signal=$2 prepare=$3 server=$4

exec 3<&0 </dev/null >>"$dir/log" 2>&1

if eval "$prepare"; then
	eval "exec $server" 3<&- &
	pid=$!
	{
		cat <&3 >/dev/null
		tries=50
		while [ ! -e "$dir/ended" ] && kill -s "$signal" "$pid" 2>/dev/null && [ $tries -gt 0 ]; do
			sleep 0.1
			tries=$((tries - 1))
		done
		[ -e "$dir/ended" ] || kill -s KILL "$pid" 2>/dev/null
	} &
	watcher=$!
	wait "$pid"
	: >"$dir/ended"
fi
: >"$dir/ended" # no server is coming, or it is gone: the starter looks for this

cat <&3 >/dev/null
[ -z "${watcher-}" ] || wait "$watcher"
rm -rf "$dir"
