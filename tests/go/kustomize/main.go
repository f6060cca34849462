// Command kustomize writes the data tables of crates/kustomize from the modules that
// kustomize v5.8.2 is built of, so that both resolve merge keys, scopes and field
// specs alike:
//
//	cd tests/go/kustomize && go run . ../../../crates/kustomize/src
//
// It reads the modules' files as data (the OpenAPI bundle as JSON, the field specs from
// the constants that hold them) and prints facts only: names, keys, paths.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: go run . CRATES_KUSTOMIZE_SRC")
	}
	src := os.Args[1]
	kyaml, api := module("sigs.k8s.io/kustomize/kyaml@v0.21.2"), module("sigs.k8s.io/kustomize/api@v0.21.2")
	write(filepath.Join(src, "openapi", "builtin.txt"), openapiTable(kyaml))
	write(filepath.Join(src, "openapi", "scopes.txt"), scopeTable(kyaml))
	write(filepath.Join(src, "transform", "fieldspecs.txt"), fieldspecTable(api))
}

// module downloads a module and says where its sources are.
func module(version string) string {
	out, err := exec.Command("go", "mod", "download", "-json", version).Output()
	if err != nil {
		log.Fatalf("go mod download %s: %v", version, err)
	}
	var found struct{ Dir string }
	if err := json.Unmarshal(out, &found); err != nil {
		log.Fatal(err)
	}
	return found.Dir
}

func write(path, text string) {
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %d bytes\n", path, len(text))
}

func read(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	return string(text)
}
