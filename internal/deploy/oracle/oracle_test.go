// Package oracle asks other tools what they say of what is here for them: Helm
// of the chart, Kubernetes' own types of what comes of it, actionlint of the
// workflows, goreleaser and nfpm of a release. It is a module of its own, for
// the tools are no part of the product.
package oracle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

const root = "../../.."

var rewrite = flag.Bool("rewrite", false, "write what the chart becomes into testdata")

// render is the chart as Helm fills it in.
func render(t *testing.T, values string) (string, error) {
	t.Helper()
	return renderAs(t, "shop", "prod", parsed(t, values))
}

func parsed(t *testing.T, values string) (given map[string]any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(values), &given); err != nil {
		t.Fatal(err)
	}
	return given
}

// renderAs is render for a release; a template that names a value which is not
// there is an error.
func renderAs(t *testing.T, release, namespace string, given map[string]any) (string, error) {
	t.Helper()
	return renderBy(t, engine.Engine{Strict: true}, release, namespace, given)
}

func renderBy(t *testing.T, by engine.Engine, release, namespace string, given map[string]any) (string, error) {
	t.Helper()
	c, err := loader.Load(filepath.Join(root, "deploy/helm/dbwarden"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	out, err := fill(c, by, release, namespace, given)
	return out["dbwarden/templates/job.yaml"], err
}

// fill does what helm install does ahead of asking a cluster.
func fill(c *chart.Chart, by engine.Engine, release, namespace string, given map[string]any) (map[string]string, error) {
	if err := chartutil.ValidateReleaseName(release); err != nil {
		return nil, err
	}
	if err := chartutil.ProcessDependencies(c, given); err != nil {
		return nil, err
	}
	all, err := chartutil.ToRenderValues(c, given, chartutil.ReleaseOptions{Name: release, Namespace: namespace, IsInstall: true, Revision: 1}, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err // the schema of the values says no
	}
	return by.Render(c, all)
}

const usual = "database: {existingSecret: shop-database}"

func job(t *testing.T, text string) *batchv1.Job {
	t.Helper()
	j := &batchv1.Job{}
	if err := yaml.UnmarshalStrict([]byte(text), j); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if j.APIVersion != "batch/v1" || j.Kind != "Job" {
		t.Fatalf("this is a %s %s", j.APIVersion, j.Kind)
	}
	return j
}

// soundPod holds for whatever runs dbwarden in a cluster.
func soundPod(t *testing.T, pod corev1.PodSpec, c corev1.Container) {
	t.Helper()
	for what, ok := range map[string]bool{
		"no user by number that is not root": *pod.SecurityContext.RunAsNonRoot && *pod.SecurityContext.RunAsUser == 65532,
		"a root that can be written":         *c.SecurityContext.ReadOnlyRootFilesystem,
		"rights that it could get":           !*c.SecurityContext.AllowPrivilegeEscalation && slices.Equal(c.SecurityContext.Capabilities.Drop, []corev1.Capability{"ALL"}),
		"an account in the cluster":          !*pod.AutomountServiceAccountToken && pod.ServiceAccountName == "",
		"too little time behind SIGTERM":     *pod.TerminationGracePeriodSeconds >= 30,
		"a URL in its environment":           !strings.Contains(fmt.Sprint(c.Env), "://"),
		"no secret where its environment says": slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool {
			return e.Name == "DBWARDEN_DATABASE_URL_FILE" && e.Value == "/run/secrets/dbwarden/url"
		}) && slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == "/run/secrets/dbwarden" }),
		"a secret that its group may not read": *pod.Volumes[0].Secret.DefaultMode == 0o440 && *pod.SecurityContext.FSGroup == 65532,
		"a wait that is not said":              slices.Contains(c.Args, "--wait"),
	} {
		if !ok {
			t.Errorf("it has %s", what)
		}
	}
	for _, m := range c.VolumeMounts {
		if !slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name }) {
			t.Errorf("there is no volume %s", m.Name)
		}
	}
}

func soundJob(t *testing.T, j *batchv1.Job) {
	t.Helper()
	soundPod(t, j.Spec.Template.Spec, j.Spec.Template.Spec.Containers[0])
	soundNames(t, j.ObjectMeta, j.Spec.Template)
	if j.Spec.Template.Spec.RestartPolicy != corev1.RestartPolicyNever {
		t.Error("a policy of failures wants restartPolicy: Never")
	}
	if *j.Spec.ActiveDeadlineSeconds <= 600 {
		t.Error("the deadline is not more than the wait")
	}
	for _, rule := range j.Spec.PodFailurePolicy.Rules {
		if rule.OnExitCodes != nil && *rule.OnExitCodes.ContainerName != j.Spec.Template.Spec.Containers[0].Name {
			t.Error("a rule is about a container that is not there")
		}
	}
}

func TestTheChartBecomesAJob(t *testing.T) {
	text, err := render(t, usual)
	if err != nil {
		t.Fatal(err)
	}
	j := job(t, text)
	soundJob(t, j)
	if j.Name != "shop-migrate" || j.Namespace != "prod" || j.Annotations["helm.sh/hook"] != "pre-install,pre-upgrade" {
		t.Errorf("name %q in %q, hook %q", j.Name, j.Namespace, j.Annotations["helm.sh/hook"])
	}
	c := j.Spec.Template.Spec.Containers[0]
	if c.Image != "dbwarden:1.0.0" || !slices.Equal(c.Args, []string{"migrate", "--wait", "10m", "--recover"}) {
		t.Errorf("%s %q", c.Image, c.Args)
	}

	text, err = render(t, `
image: {repository: registry.example.com/shop, tag: v7}
database: {existingSecret: s, key: dsn}
migrations: {configMap: shop-migrations}
recover: false
wait: 90s
extraArgs: ["--env", "a \"quoted\" one"]
extraEnv: [{name: DBWARDEN_POSTGRES_SCHEMA, value: app}]
imagePullSecrets: [{name: pull}]
activeDeadlineSeconds: 10000000
nodeSelector: {disk: fast}
tolerations: [{key: k, operator: Exists}]
affinity: {nodeAffinity: {}}
podAnnotations: {a: b}
podLabels: {team: shop}
resources: {}
`)
	if err != nil {
		t.Fatal(err)
	}
	j = job(t, text)
	soundJob(t, j)
	pod := j.Spec.Template.Spec
	c = pod.Containers[0]
	if c.Image != "registry.example.com/shop:v7" || !slices.Equal(c.Args, []string{"migrate", "--wait", "90s", "--env", `a "quoted" one`}) ||
		*j.Spec.ActiveDeadlineSeconds != 10000000 || pod.NodeSelector["disk"] != "fast" || len(pod.Tolerations) != 1 || pod.Affinity == nil ||
		j.Spec.Template.Labels["team"] != "shop" || j.Spec.Template.Annotations["a"] != "b" || pod.ImagePullSecrets[0].Name != "pull" ||
		c.Env[1].Value != "app" || pod.Volumes[0].Secret.Items[0].Key != "dsn" || pod.Volumes[2].ConfigMap.Name != "shop-migrations" || c.VolumeMounts[2].MountPath != "/db/migrations" {
		t.Errorf("a value is not where it belongs:\n%s", text)
	}
}

func TestTheManifestsAreWhatKubernetesKnows(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "deploy/kubernetes/job.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	soundJob(t, job(t, string(text)))
	text, err = os.ReadFile(filepath.Join(root, "deploy/kubernetes/deployment.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d := &appsv1.Deployment{}
	if err := yaml.UnmarshalStrict(text, d); err != nil {
		t.Fatal(err)
	}
	if d.APIVersion != "apps/v1" || d.Kind != "Deployment" || d.Spec.Selector.MatchLabels["app.kubernetes.io/name"] != d.Spec.Template.Labels["app.kubernetes.io/name"] {
		t.Error("it selects other pods than its own")
	}
	soundPod(t, d.Spec.Template.Spec, d.Spec.Template.Spec.InitContainers[0])
	soundNames(t, d.ObjectMeta, d.Spec.Template)
}

// What the chart becomes is kept with a sum of the chart, by which the
// product's own tests see that this was asked since the chart was changed.
func TestWhatTheChartBecomesIsKept(t *testing.T) {
	text, err := render(t, usual)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	dir := filepath.Join(root, "deploy/helm/dbwarden")
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		fmt.Fprintf(h, "%s %d\n%s", filepath.ToSlash(rel), len(content), content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "# " + hex.EncodeToString(h.Sum(nil)) + "\n" + text
	file := "../testdata/chart.yaml"
	if *rewrite {
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(want), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := os.ReadFile(file); string(got) != want {
		t.Errorf("%s is of another chart: go test -rewrite .", file)
	}
}

func TestWorkflowsAreWhatGitHubKnows(t *testing.T) {
	var names []string
	for _, pattern := range []string{".github/workflows/*.yml", "deploy/github/*.yml"} {
		list, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(list) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		names = append(names, list...)
	}
	names = slices.DeleteFunc(names, func(n string) bool { return filepath.Base(n) == "action.yml" })
	var out bytes.Buffer
	l, err := actionlint.NewLinter(&out, &actionlint.LinterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found, err := l.LintFiles(names, nil)
	if err != nil || len(found) > 0 {
		t.Errorf("%v\n%s", err, out.String())
	}
	text, err := os.ReadFile(filepath.Join(root, "deploy/github/action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var action map[string]any
	if err := yaml.UnmarshalStrict(text, &action); err != nil {
		t.Error(err)
	}
}
