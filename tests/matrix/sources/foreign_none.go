//go:build !cgo

package main

func foreign(int) string { return "" }
