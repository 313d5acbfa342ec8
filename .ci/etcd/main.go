// Command etcd is the etcd server that tests run, in a module of its own: what the server requires must not be among what
// pullphone requires. It ends when its standard input does, and so with whoever started it.
package main

import (
	"io"
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	etcdmain.Main(os.Args)
}
