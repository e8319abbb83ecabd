//go:build !race

package ablation_test

const raced = false
