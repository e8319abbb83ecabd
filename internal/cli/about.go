package cli

import (
	"fmt"
	"os"
	"runtime"
	"sort"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden/internal/render"
)

func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "config",
		Short:   "Show the effective configuration and where each value comes from",
		Example: "  dbwarden config\n  dbwarden config -d analytics -o json",
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := a.loadWith(false, nil)
		if err != nil {
			return err
		}
		if a.json() {
			var list []map[string]any
			for _, d := range c.Selected {
				list = append(list, map[string]any{"name": d.Name, "default": d.Default, "settings": d.Sources})
			}
			return a.document(cmd, nil, map[string]any{"file": c.File, "databases": list})
		}
		st := a.style(a.Stdout)
		if c.File != "" {
			fmt.Fprintf(a.Stdout, "%s %s\n", st.Bold("Configuration file:"), c.File)
		} else {
			fmt.Fprintln(a.Stdout, st.Bold("No configuration file."))
		}
		for _, d := range c.Selected {
			fmt.Fprintln(a.Stdout)
			if d.Name != "" {
				fmt.Fprintf(a.Stdout, "%s\n", st.Bold("Database: "+d.Name))
			}
			table := render.Table{Head: []string{"KEY", "VALUE", "FROM"}}
			for _, s := range d.Sources {
				table.Rows = append(table.Rows, []render.Cell{render.Text(s.Key), render.Text(s.Value), {Text: s.Source, Draw: st.Dim}})
			}
			table.Write(a.Stdout, st)
		}
		return nil
	}
	return cmd
}

func (a *app) versionCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "version", Short: "Show the program's version", Example: "  dbwarden version"}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.showVersion() }
	return cmd
}

func (a *app) showVersion() error {
	if a.json() {
		return render.JSON(a.Stdout, map[string]any{"format": 1, "command": "version", "version": a.Build.Version, "commit": a.Build.Commit, "date": a.Build.Date,
			"go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH}, a.all)
	}
	fmt.Fprintln(a.Stdout, a.about())
	return nil
}

// about is the version in a line.
func (a *app) about() string {
	commit := ""
	if a.Build.Commit != "" {
		commit = " (" + a.Build.Commit + ")"
	}
	return fmt.Sprintf("dbwarden %s%s %s %s/%s", a.Build.Version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func (a *app) helpCommand(root *cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "help [COMMAND]",
		Long:    "Shows what a command does, with its flags and examples; without a COMMAND, what there is.",
		Short:   "Show what a command does",
		Example: "  dbwarden help migrate",
		ValidArgsFunction: func(*cobra.Command, []string, string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
			for _, c := range root.Commands() {
				names = append(names, cobra.CompletionWithDesc(c.Name(), c.Short))
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, _, err := root.Find(args)
			if err != nil || len(args) > 0 && cmd == root {
				return a.unknownCommand(root, args[0])
			}
			// The page of -h, to the letter.
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
		DisableFlagsInUseLine: true,
	}
	cmd.Flags().BoolP("help", "h", false, "this page")
	return cmd
}

func (a *app) completionCommand(root *cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "completion SHELL",
		Short: "Write a completion script for bash, zsh, fish or powershell",
		Example: "  source <(dbwarden completion bash)\n  dbwarden completion zsh > \"${fpath[1]}/_dbwarden\"\n" +
			"  dbwarden completion fish > ~/.config/fish/completions/dbwarden.fish",
		Args:      oneArg("shell"),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch args[0] {
		case "bash":
			return root.GenBashCompletionV2(a.Stdout, true)
		case "zsh":
			return root.GenZshCompletion(a.Stdout)
		case "fish":
			return root.GenFishCompletion(a.Stdout, true)
		case "powershell":
			return root.GenPowerShellCompletionWithDesc(a.Stdout)
		}
		return usagef("unknown shell %q: want bash, zsh, fish or powershell", args[0])
	}
	return cmd
}

// completeShared completes the flags that every command has.
func (a *app) completeShared(root *cobra.Command) {
	root.RegisterFlagCompletionFunc("out", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return formatsOf(cmd), cobra.ShellCompDirectiveNoFileComp
	})
	root.RegisterFlagCompletionFunc("database", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		a.database = ""
		c, err := a.loadFolders()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var names []string
		for _, d := range c.Databases {
			if d.Name != "" {
				names = append(names, d.Name)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
	root.RegisterFlagCompletionFunc("config", cobra.FixedCompletions([]string{"toml"}, cobra.ShellCompDirectiveFilterFileExt))
	root.RegisterFlagCompletionFunc("migrations-dir", cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs))
}

// completeVersions completes a flag with the versions in the folder.
func (a *app) completeVersions(cmd *cobra.Command, flag string) {
	cmd.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) { return a.versions() })
}

// completeArgs completes the first argument with them.
func (a *app) completeArgs(cmd *cobra.Command) {
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.versions()
	}
}

func (a *app) versions() ([]string, cobra.ShellCompDirective) {
	dir, err := a.folder()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var out []string
	for _, e := range entries {
		if p := versionPrefix().FindStringSubmatch(e.Name()); p != nil {
			out = append(out, p[1]+"\t"+e.Name())
		}
	}
	sort.Strings(out)
	return out, cobra.ShellCompDirectiveNoFileComp
}
