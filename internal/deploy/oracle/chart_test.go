package oracle

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

// soundNames looks at what a cluster looks at beside the fields that there are:
// names, labels and what must not be there twice.
func soundNames(t *testing.T, m metav1.ObjectMeta, pod corev1.PodTemplateSpec) {
	t.Helper()
	wrong := func(what, name string, problems []string) {
		t.Helper()
		if len(problems) > 0 {
			t.Errorf("%s %q: %s", what, name, strings.Join(problems, "; "))
		}
	}
	wrong("the name", m.Name, validation.IsDNS1123Subdomain(m.Name))
	if len(m.Name) > validation.DNS1123LabelMaxLength {
		t.Errorf("the name %q has %d characters", m.Name, len(m.Name))
	}
	for _, labels := range []map[string]string{m.Labels, pod.Labels, pod.Spec.NodeSelector} {
		for name, value := range labels {
			wrong("the label", name, validation.IsQualifiedName(name))
			wrong("the label's value", value, validation.IsValidLabelValue(value))
		}
	}
	for _, annotations := range []map[string]string{m.Annotations, pod.Annotations} {
		for name := range annotations {
			wrong("the annotation", name, validation.IsQualifiedName(name))
		}
	}
	seen := map[string]bool{}
	once := func(what, name string) {
		t.Helper()
		if seen[what+name] {
			t.Errorf("the %s %q is there twice", what, name)
		}
		seen[what+name] = true
	}
	for _, v := range pod.Spec.Volumes {
		wrong("the volume", v.Name, validation.IsDNS1123Label(v.Name))
		once("volume", v.Name)
	}
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		wrong("the container", c.Name, validation.IsDNS1123Label(c.Name))
		once("container", c.Name)
		for _, e := range c.Env {
			wrong("the variable", e.Name, validation.IsEnvVarName(e.Name))
			once("variable of "+c.Name, e.Name)
		}
		for _, m := range c.VolumeMounts {
			once("path of "+c.Name, m.MountPath)
		}
	}
}

func TestTheChartTakesAnyRelease(t *testing.T) {
	names := map[string]string{}
	for _, release := range []string{"shop", "123", "1e3", "0x1f", "1.5", "true", "null", "on", "a.b", "a-b",
		strings.Repeat("a", 53), strings.Repeat("a", 52) + "b", strings.Repeat("a.", 26) + "b", strings.Repeat("a", 40) + strings.Repeat("-", 12) + "b"} {
		for _, namespace := range []string{"prod", "123", "null"} {
			text, err := renderAs(t, release, namespace, parsed(t, usual))
			if err != nil {
				t.Errorf("%s: %v", release, err)
				continue
			}
			j := job(t, text)
			soundJob(t, j)
			if j.Namespace != namespace || j.Labels["app.kubernetes.io/instance"] != release || j.Spec.Template.Labels["app.kubernetes.io/instance"] != release {
				t.Errorf("%s in %s: %q, %q", release, namespace, j.Namespace, j.Labels)
			}
			if other, ok := names[j.Name]; ok && other != release {
				t.Errorf("the releases %s and %s share the Job %s", other, release, j.Name)
			}
			names[j.Name] = release
		}
	}
}

// One application may have several databases: the chart is then a dependency
// of it several times, each with another alias, and each has its Job.
func TestTheChartIsAPartOfAnother(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "charts/dbwarden"), os.DirFS(filepath.Join(root, "deploy/helm/dbwarden"))); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 60)
	aliases := []string{"", "billing", "shop_DB", "_", long + "a", long + "b"}
	about := "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n"
	given := map[string]any{"global": map[string]any{"team": "shop"}}
	for i, alias := range aliases {
		key := alias
		if alias == "" {
			key = "dbwarden"
		}
		about += fmt.Sprintf("  - {name: dbwarden, version: 0.1.0, condition: %s.enabled, alias: %q}\n", key, alias)
		given[key] = parsed(t, fmt.Sprintf("database: {existingSecret: secret-%d}\nenabled: %v", i, alias != "_"))
	}
	if err := os.WriteFile(filepath.Join(dir, "Chart.yaml"), []byte(about), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, release := range []string{"shop", strings.Repeat("a", 53)} {
		c, err := loader.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		out, err := fill(c, engine.Engine{Strict: true}, release, "prod", given)
		if err != nil {
			t.Fatal(err)
		}
		names, secrets := map[string]bool{}, map[string]bool{}
		for file, text := range out {
			if filepath.Base(file) != "job.yaml" {
				continue
			}
			j := job(t, text)
			soundJob(t, j)
			names[j.Name], secrets[j.Spec.Template.Spec.Volumes[0].Secret.SecretName] = true, true
		}
		if len(names) != len(aliases)-1 || len(secrets) != len(aliases)-1 || secrets["secret-3"] {
			t.Errorf("the Jobs are %q, with %q", slices.Sorted(maps.Keys(names)), slices.Sorted(maps.Keys(secrets)))
		}
		if release == "shop" && (!names["shop-migrate"] || !names["shop-billing-migrate"] || !names["shop-shop-db-migrate"]) {
			t.Errorf("the Jobs are %q", slices.Sorted(maps.Keys(names)))
		}
	}
}

// texts are what YAML could take for something else.
var texts = []string{"", " ", "123", "1.10", "1e3", "true", "no", "null", "~", "2026-11-27", "0x1f", "a \"b\"\n  'c': d # e\n\ttab {{ no }} \\ é日本\u2028\x07", "\n", "a\n\n", " lead", "trail ", "- a", "&a *b !c", "a: b", "#", "%", "@", "`", "{", "[a"}

func TestTheChartHandsTextsOverAsTheyAre(t *testing.T) {
	given := parsed(t, usual)
	var args, env []any
	annotations := map[string]any{}
	for i, text := range texts {
		args = append(args, text)
		env = append(env, map[string]any{"name": fmt.Sprintf("TEXT_%d", i), "value": text})
		annotations[fmt.Sprintf("text-%02d", i)] = text
	}
	given["extraArgs"], given["extraEnv"], given["podAnnotations"] = args, env, annotations
	given["podLabels"] = map[string]any{"a": "123", "b": "true", "c": "", "app.kubernetes.io/name": "mine"}
	given["nodeSelector"] = map[string]any{"a": "1e3", "b": "null"}
	given["fullnameOverride"] = "1e3"
	given["database"] = map[string]any{"existingSecret": "123", "key": "1.10"}
	given["migrations"] = map[string]any{"configMap": "null"}
	given["image"] = map[string]any{"repository": "registry.example.com:5000/shop/migrations", "tag": "1.10", "digest": "sha256:" + strings.Repeat("0", 64)}
	given["wait"], given["hook"] = float64(12000000), map[string]any{"weight": float64(-7)}
	given["backoffLimit"], given["terminationGracePeriodSeconds"] = float64(10000000), float64(10000000)
	given["extraVolumes"] = []any{map[string]any{"name": "ca", "configMap": map[string]any{"name": "123"}}}
	given["extraVolumeMounts"] = []any{map[string]any{"name": "ca", "mountPath": "/etc/ca", "readOnly": true}}
	text, err := renderAs(t, "shop", "prod", given)
	if err != nil {
		t.Fatal(err)
	}
	j := job(t, text)
	soundJob(t, j)
	pod := j.Spec.Template.Spec
	c := pod.Containers[0]
	if want := slices.Concat([]string{"migrate", "--wait", "12000000", "--recover"}, texts); !slices.Equal(c.Args, want) {
		t.Errorf("the arguments are %q, want %q", c.Args, want)
	}
	for i, text := range texts {
		if e := c.Env[i+1]; e.Name != fmt.Sprintf("TEXT_%d", i) || e.Value != text {
			t.Errorf("the variable %s is %q, want %q", e.Name, e.Value, text)
		}
		if got := j.Spec.Template.Annotations[fmt.Sprintf("text-%02d", i)]; got != text {
			t.Errorf("the annotation is %q, want %q", got, text)
		}
	}
	if want := map[string]string{"a": "123", "b": "true", "c": "", "app.kubernetes.io/name": "mine", "app.kubernetes.io/instance": "shop"}; !maps.Equal(j.Spec.Template.Labels, want) {
		t.Errorf("the labels are %q", j.Spec.Template.Labels)
	}
	if j.Name != "1e3" || j.Annotations["helm.sh/hook-weight"] != "-7" || *j.Spec.BackoffLimit != 10000000 || *pod.TerminationGracePeriodSeconds != 10000000 ||
		pod.Volumes[0].Secret.SecretName != "123" || pod.Volumes[0].Secret.Items[0].Key != "1.10" || pod.Volumes[2].ConfigMap.Name != "null" || pod.NodeSelector["a"] != "1e3" ||
		pod.Volumes[3].ConfigMap.Name != "123" || c.VolumeMounts[3].MountPath != "/etc/ca" ||
		c.Image != "registry.example.com:5000/shop/migrations:1.10@sha256:"+strings.Repeat("0", 64) {
		t.Errorf("a value is not where it belongs:\n%s", text)
	}
	text, err = render(t, usual+"\nimage: {digest: 'sha256:"+strings.Repeat("a", 64)+"'}\nwait: 0\nhook: {weight: '12'}")
	if err != nil {
		t.Fatal(err)
	}
	j = job(t, text)
	if c := j.Spec.Template.Spec.Containers[0]; c.Image != "dbwarden@sha256:"+strings.Repeat("a", 64) || c.Args[2] != "0" || j.Annotations["helm.sh/hook-weight"] != "12" {
		t.Errorf("%s %q %q", c.Image, c.Args, j.Annotations)
	}
}

// What can be left out can be said to be nothing, which takes it out of the
// chart's own values.
func TestTheChartTakesNothing(t *testing.T) {
	lax := func(values string) (string, error) {
		return renderBy(t, engine.Engine{}, "shop", "prod", parsed(t, values))
	}
	for _, key := range []string{"imagePullSecrets", "fullnameOverride", "extraArgs", "extraEnv", "extraVolumes", "extraVolumeMounts", "resources", "podAnnotations", "podLabels", "nodeSelector", "tolerations", "affinity"} {
		for _, nothing := range []string{"null", "{}", "[]", `""`} {
			text, err := lax(usual + "\n" + key + ": " + nothing)
			if err != nil && nothing != "null" && strings.Contains(err.Error(), key) {
				continue // of another type
			}
			if err != nil {
				t.Errorf("%s: %s: %v", key, nothing, err)
				continue
			}
			soundJob(t, job(t, text))
		}
	}
	for _, values := range []string{"image: {tag: null, digest: null}", "migrations: {configMap: null}"} {
		text, err := lax(usual + "\n" + values)
		if err != nil {
			t.Errorf("%s: %v", values, err)
			continue
		}
		soundJob(t, job(t, text))
	}
}

func TestTheChartRefusesWhatCannotWork(t *testing.T) {
	for _, c := range []struct{ values, want string }{
		{"{}", "existingSecret"},
		{"database: {existingSecret: Shop Database}", "existingSecret"},
		{"database: {existingSecret: 123}", "existingSecret"},
		{"database: {existingSecret: shop, key: 'a/b'}", "key"},
		{usual + "\nterminationGracePeriodSeconds: 10", "terminationGracePeriodSeconds"},
		{usual + "\nterminationGracePeriodSeconds: null", "terminationGracePeriodSeconds"},
		{usual + "\nwait: soon", "wait"},
		{usual + "\nwait: -1", "wait"},
		{usual + "\nrecovr: true", "recovr"},
		{usual + "\nrecover: 'true'", "recover"},
		{usual + "\nbackoffLimit: -1", "backoffLimit"},
		{usual + "\nbackoffLimit: 3000000000", "backoffLimit"},
		{usual + "\nbackoffLimit: 1.5", "backoffLimit"},
		{usual + "\nhook: null", "hook"},
		{usual + "\nhook: {weight: '010'}", "weight"},
		{usual + "\nimage: {repository: 'shop:v7'}", "repository"},
		{usual + "\nimage: {tag: 1.10}", "tag"},
		{usual + "\nimage: {tag: 'v1@sha256:0'}", "tag"},
		{usual + "\nimage: {digest: v7}", "digest"},
		{usual + "\nimage: {pullPolicy: always}", "pullPolicy"},
		{usual + "\nimage: {pullPolicy: null}", "pullPolicy"},
		{usual + "\nfullnameOverride: Shop", "fullnameOverride"},
		{usual + "\nextraArgs: [1]", "extraArgs"},
		{usual + "\nextraEnv: [{name: A, value: 5}]", "extraEnv/0/value"},
		{usual + "\nextraEnv: [{name: A, valu: x}]", "valu"},
		{usual + "\nextraEnv: [{name: A, value: x, valueFrom: {secretKeyRef: {name: s, key: k}}}]", "extraEnv/0"},
		{usual + "\nextraEnv: [{name: A, valueFrom: {secretKeyRef: {name: s}}}]", "key"},
		{usual + "\nextraEnv: [{name: DBWARDEN_DATABASE_URL, value: x}]", "extraEnv/0/name"},
		{usual + "\nextraEnv: {A: x}", "extraEnv"},
		{usual + "\nextraVolumes: [{name: tmp, emptyDir: {}}]", "extraVolumes/0"},
		{usual + "\nextraVolumes: [{name: ca}]", "extraVolumes/0"},
		{usual + "\npodLabels: {a: true}", "podLabels/a"},
		{usual + "\npodLabels: {a: 'b c'}", "podLabels/a"},
		{usual + "\npodAnnotations: {a: 1}", "podAnnotations/a"},
		{usual + "\nnodeSelector: {gpu: true}", "nodeSelector/gpu"},
		{usual + "\ntolerations: [{effect: NoSchedul}]", "tolerations/0/effect"},
		{usual + "\nresources: {limit: {cpu: 1}}", "limit"},
		{usual + "\naffinity: {nodeAffinty: {}}", "nodeAffinty"},
	} {
		if out, err := render(t, c.values); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\n%s", c.values, err, out)
		}
	}
}

// every value that the chart knows.
const every = `
enabled: true
image: {repository: shop, tag: v1, digest: "", pullPolicy: Always}
imagePullSecrets: [{name: pull}]
migrations: {configMap: shop-migrations}
database: {existingSecret: s, key: dsn}
fullnameOverride: migrate
wait: 1h30m
recover: false
extraArgs: [a]
extraEnv:
  - {name: A, value: b}
  - {name: B, valueFrom: {secretKeyRef: {name: s, key: k, optional: true}}}
  - {name: C, valueFrom: {configMapKeyRef: {name: s, key: k}}}
  - {name: D, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
  - {name: E, valueFrom: {resourceFieldRef: {resource: limits.memory, containerName: migrate, divisor: 1Mi}}}
extraVolumes: [{name: ca, secret: {secretName: ca}}]
extraVolumeMounts: [{name: ca, mountPath: /ca, subPath: a, readOnly: true, mountPropagation: None, recursiveReadOnly: Disabled}]
hook: {weight: "3"}
backoffLimit: 0
activeDeadlineSeconds: 700
terminationGracePeriodSeconds: 30
resources: {requests: {cpu: 1, memory: 64Mi}, limits: {memory: 1Gi}, claims: [{name: a, request: b}]}
podAnnotations: {a: b}
podLabels: {a: b}
nodeSelector: {a: b}
tolerations: [{key: a, operator: Equal, value: b, effect: NoExecute, tolerationSeconds: 3}]
affinity: {nodeAffinity: {}, podAffinity: {}, podAntiAffinity: {}}
`

// A value that is misspelt would be passed over, and what was meant not be
// done: it is refused, wherever it stands.
func TestAMisspeltValueIsRefused(t *testing.T) {
	text, err := render(t, every)
	if err != nil {
		t.Fatal(err)
	}
	soundJob(t, job(t, text))
	// What Kubernetes knows better than the schema: a cluster refuses it.
	free := []string{"/affinity/nodeAffinity", "/affinity/podAffinity", "/affinity/podAntiAffinity", "/extraVolumes/0/secret"}
	tried := 0
	var walk func(at string, whole map[string]any, v any)
	walk = func(at string, whole map[string]any, v any) {
		switch v := v.(type) {
		case map[string]any:
			if !slices.Contains(free, at) {
				v["nosuch"] = true
				if _, err := renderAs(t, "shop", "prod", whole); err == nil {
					t.Errorf("nosuch is taken in %q", at)
				}
				delete(v, "nosuch")
				tried++
			}
			for key, inner := range v {
				walk(at+"/"+key, whole, inner)
			}
		case []any:
			for i, inner := range v {
				walk(fmt.Sprintf("%s/%d", at, i), whole, inner)
			}
		}
	}
	whole := parsed(t, every)
	walk("", whole, whole)
	if tried < 25 {
		t.Errorf("only %d places were tried", tried)
	}

	// The values that the chart comes with, and those above, are all that its
	// schema knows.
	var schema struct{ Properties map[string]any }
	content, err := os.ReadFile(filepath.Join(root, "deploy/helm/dbwarden/values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &schema); err != nil {
		t.Fatal(err)
	}
	if content, err = os.ReadFile(filepath.Join(root, "deploy/helm/dbwarden/values.yaml")); err != nil {
		t.Fatal(err)
	}
	var own map[string]any
	if err := yaml.UnmarshalStrict(content, &own); err != nil {
		t.Fatal(err)
	}
	delete(schema.Properties, "global")
	if known := slices.Sorted(maps.Keys(schema.Properties)); !slices.Equal(known, slices.Sorted(maps.Keys(whole))) {
		t.Errorf("the schema knows %q, and these were tried: %q", known, slices.Sorted(maps.Keys(whole)))
	}
	delete(schema.Properties, "enabled")
	if known := slices.Sorted(maps.Keys(schema.Properties)); !slices.Equal(known, slices.Sorted(maps.Keys(own))) {
		t.Errorf("the schema knows %q, and values.yaml shows %q", known, slices.Sorted(maps.Keys(own)))
	}
}

func TestTheChartSaysWhichClustersItIsFor(t *testing.T) {
	c, err := loader.Load(filepath.Join(root, "deploy/helm/dbwarden"))
	if err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]bool{"v1.31.0": true, "v1.33.4-eks-1234567": true, "v1.31.0-gke.100": true, "v1.30.9": false} {
		if got := chartutil.IsCompatibleRange(c.Metadata.KubeVersion, version); got != want {
			t.Errorf("%s: %v", version, got)
		}
	}
}
