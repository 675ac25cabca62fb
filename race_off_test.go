//go:build !race

package hearsay

const raced = false
