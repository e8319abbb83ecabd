//go:build unix

// Measure runs a command and writes what the system says of it to file
// descriptor 3: wall and CPU time in nanoseconds, peak memory in bytes, and
// the exit code, as JSON.
//
// It is a program of its own because a child begins with its parent's peak
// memory: measured from the benchmark itself, nothing would ever seem smaller
// than the benchmark.
package main

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

func main() {
	syscall.CloseOnExec(3) // the command has nothing to say there
	path, err := exec.LookPath(os.Args[1])
	if err != nil {
		os.Stderr.WriteString("measure: " + err.Error() + "\n")
		os.Exit(127)
	}
	began := time.Now()
	p, err := os.StartProcess(path, os.Args[1:], &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		os.Stderr.WriteString("measure: " + err.Error() + "\n")
		os.Exit(127)
	}
	state, err := p.Wait()
	wall := time.Since(began)
	if err != nil {
		os.Stderr.WriteString("measure: " + err.Error() + "\n")
		os.Exit(127)
	}
	use := state.SysUsage().(*syscall.Rusage)
	memory := int64(use.Maxrss)
	if runtime.GOOS != "darwin" {
		memory *= 1024
	}
	cpu := state.UserTime() + state.SystemTime()
	os.NewFile(3, "result").WriteString(`{"wall":` + strconv.FormatInt(int64(wall), 10) + `,"cpu":` + strconv.FormatInt(int64(cpu), 10) +
		`,"memory":` + strconv.FormatInt(memory, 10) + `,"code":` + strconv.Itoa(state.ExitCode()) + "}\n")
}
