package sqlite

import "os"

func readable(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// writable goes by the read-only mark. What else Windows forbids shows when
// it is tried.
func writable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && (info.IsDir() || info.Mode().Perm()&0o200 != 0)
}

func hardLinks(string) uint64 { return 0 }
