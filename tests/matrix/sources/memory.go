// Goroutines, maps and slices of Go's own heap, and C's through cgo where it is built with it; prints sums.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
)

func work(seed int) string {
	table := map[int][]byte{}
	for i := 0; i < 20000; i++ {
		table[i%3000] = bytes.Repeat([]byte{byte(i)}, (i*7919+seed)%5000)
	}
	sum := sha256.New()
	for i := 0; i < 3000; i++ {
		sum.Write(table[i])
	}
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	writer.Write(table[seed])
	writer.Close()
	return fmt.Sprintf("%x %d", sum.Sum(nil)[:8], packed.Len())
}

func main() {
	results := make([]string, 16)
	var group sync.WaitGroup
	for i := range results {
		group.Add(1)
		go func() { defer group.Done(); results[i] = work(i) + foreign(i) }()
	}
	group.Wait()
	for _, line := range results {
		fmt.Println(line)
	}
	runtime.GC()
	out, err := exec.Command("sh", "-c", "echo from a child; exit 4").CombinedOutput()
	fmt.Printf("%s%v\n", out, err)
	os.Exit(5)
}
