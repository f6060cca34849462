// Command kustomize-oracle answers, for each line of JSON on stdin, what `kustomize build` prints for
// a tree of files: the differential tests ask it thousands of questions in one process.
//
// A question is {"files": {"path": "text"}, "target": "path"}; the answer is {"output": "text"} or
// {"error": "text"}.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	// Linked in so that the version in `managedByLabel` is that of the command.
	_ "sigs.k8s.io/kustomize/kustomize/v5/commands/build"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

// Schemas are global there, and what a base or component named stays for the next build.
var schemasTouched bool

type question struct {
	Files  map[string]string `json:"files"`
	Target string            `json:"target"`
}

type answer struct {
	Output string `json:"output,omitempty"`
	Error  string `json:"error,omitempty"`
}

func build(q question) (result answer) {
	defer func() {
		if trouble := recover(); trouble != nil {
			result = answer{Error: fmt.Sprintf("panic: %v", trouble)}
		}
	}()
	if schemasTouched {
		openapi.ResetOpenAPI()
		schemasTouched = false
	}
	fs := filesys.MakeFsInMemory()
	for name, text := range q.Files {
		schemasTouched = schemasTouched || strings.Contains(text, "openapi")
		if err := fs.WriteFile(path.Join("/", name), []byte(text)); err != nil {
			return answer{Error: err.Error()}
		}
	}
	options := krusty.MakeDefaultOptions()
	// The command line leaves the order to the kustomization; unset means legacy there.
	options.Reorder = krusty.ReorderOptionUnspecified
	resources, err := krusty.MakeKustomizer(options).Run(fs, path.Join("/", q.Target))
	if err != nil {
		return answer{Error: err.Error()}
	}
	text, err := resources.AsYaml()
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Output: string(text)}
}

func main() {
	log.SetOutput(os.Stderr)
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	decoder, encoder := json.NewDecoder(in), json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for decoder.More() {
		var q question
		if err := decoder.Decode(&q); err != nil {
			log.Fatal(err)
		}
		if err := encoder.Encode(build(q)); err != nil {
			log.Fatal(err)
		}
		if err := out.Flush(); err != nil {
			log.Fatal(err)
		}
	}
}
