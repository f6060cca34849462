// Command schema serves the tests of crates/schema with the behaviour of the published Kubernetes modules.
//
//	go run . generate   writes crates/schema/src/builtin/kinds.txt's content to standard output
//	go run . serve      answers JSON lines on standard input, one request a line (see serve.go)
package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fail("usage: schema generate|serve")
	}
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	defer out.Flush()
	var err error
	switch os.Args[1] {
	case "generate":
		err = generate(out)
	case "serve":
		err = serve(os.Stdin, out)
	default:
		err = fmt.Errorf("unknown command %q", os.Args[1])
	}
	if err != nil {
		out.Flush()
		fail(err.Error())
	}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(1)
}
