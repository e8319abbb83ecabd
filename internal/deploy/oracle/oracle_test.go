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
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/goreleaser/goreleaser/v2/pkg/config"
	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm"
	"github.com/rhysd/actionlint"
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
	c, err := loader.Load(filepath.Join(root, "deploy/helm/dbwarden"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	var given map[string]any
	if err := yaml.Unmarshal([]byte(values), &given); err != nil {
		t.Fatal(err)
	}
	all, err := chartutil.ToRenderValues(c, given, chartutil.ReleaseOptions{Name: "shop", Namespace: "prod", IsInstall: true, Revision: 1}, chartutil.DefaultCapabilities)
	if err != nil {
		return "", err // the schema of the values says no
	}
	out, err := (engine.Engine{Strict: true}).Render(c, all)
	return out["dbwarden/templates/job.yaml"], err
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

func TestTheChartRefusesWhatCannotWork(t *testing.T) {
	for _, c := range []struct{ values, want string }{
		{"{}", "existingSecret"},
		{usual + "\nterminationGracePeriodSeconds: 10", "terminationGracePeriodSeconds"},
		{usual + "\nwait: soon", "wait"},
		{usual + "\nrecovr: true", "recovr"},
		{usual + "\nbackoffLimit: -1", "backoffLimit"},
	} {
		if out, err := render(t, c.values); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\n%s", c.values, err, out)
		}
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

// A deb and an rpm as goreleaser would have nfpm make them.
func TestPackagesHoldWhatTheyShould(t *testing.T) {
	project, err := config.Load(filepath.Join(root, ".goreleaser.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if b := project.Builds[0]; len(b.Goos) != 3 || len(b.Goarch) != 2 || !slices.Contains(b.Env, "CGO_ENABLED=0") {
		t.Errorf("builds: %+v", b)
	}
	prepare := exec.CommandContext(t.Context(), "packaging/prepare", "1.2.3", "2026-11-26T20:00:00Z")
	prepare.Dir = root
	if out, err := prepare.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dir := t.TempDir()
	binary := filepath.Join(dir, "dbwarden")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", binary, "./cmd/dbwarden")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Chdir(root)
	n := project.NFPMs[0]
	for _, c := range []struct {
		format string
		list   []string // the program that reads one back
		want   []string
	}{
		{"deb", []string{"dpkg-deb", "-c"}, []string{"./usr/bin/dbwarden", "./usr/share/bash-completion/completions/dbwarden", "./usr/share/zsh/vendor-completions/_dbwarden",
			"./usr/share/fish/vendor_completions.d/dbwarden.fish", "./usr/share/man/man1/dbwarden.1.gz", "./usr/share/man/man1/dbwarden-migrate.1.gz", "./usr/share/doc/dbwarden/copyright"}},
		{"rpm", []string{"rpm", "-qlp"}, []string{"/usr/bin/dbwarden", "/usr/share/zsh/site-functions/_dbwarden", "/usr/share/man/man1/dbwarden-migrate.1.gz", "/usr/share/licenses/dbwarden/LICENSE"}},
	} {
		t.Run(c.format, func(t *testing.T) {
			packager, err := nfpm.Get(c.format)
			if err != nil {
				t.Fatal(err)
			}
			contents := files.Contents{{Source: binary, Destination: n.Bindir + "/dbwarden", FileInfo: &files.ContentFileInfo{Mode: 0o755}}}
			for _, c := range n.Contents {
				contents = append(contents, &files.Content{Source: c.Source, Destination: c.Destination, Type: c.Type, Packager: c.Packager})
			}
			info := nfpm.WithDefaults(&nfpm.Info{
				Name: n.PackageName, Version: "1.2.3", Arch: runtime.GOARCH, Platform: "linux", Maintainer: n.Maintainer, Description: n.Description,
				Vendor: n.Vendor, Homepage: n.Homepage, License: n.License, Section: n.Section, Priority: n.Priority,
				Overridables: nfpm.Overridables{Contents: contents},
			})
			if err := nfpm.PrepareForPackager(info, c.format); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, packager.ConventionalFileName(info))
			f, err := os.Create(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := packager.Package(info, f); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := exec.LookPath(c.list[0]); err != nil {
				t.Skipf("%s not found", c.list[0])
			}
			out, err := exec.CommandContext(t.Context(), c.list[0], append(c.list[1:], file)...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, want := range c.want {
				if !slices.ContainsFunc(strings.Fields(string(out)), func(w string) bool { return w == want }) {
					t.Errorf("without %s:\n%s", want, out)
				}
			}
		})
	}
}
