// Command yaml answers, for YAML texts, what Go's loaders and emitters make of them.
//
// It is the reference of the differential tests of crates/yaml, and of its benchmark. Requests are
// JSON objects, one a line, on standard input; answers likewise on standard output, in order.
//
//	{"text": "a: 1\n", "comments": false}
//	{"v3": {"docs": [{"kyaml": "a: 1\n", "json": "{\"a\":1}", "kustomize": "a: 1\n"}], "error": ""},
//	 "sigs": {"json": "{\"a\":1}", "yaml": "a: 1\n", "error": ""}}
//
// With the arguments `bench FILE` it times the loaders and emitters on a file instead.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	yaml3 "go.yaml.in/yaml/v3"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	sigs "sigs.k8s.io/yaml"
)

type request struct {
	Text     string `json:"text"`
	Comments bool   `json:"comments"`
}

type answer struct {
	V3   stream `json:"v3"`
	Sigs value  `json:"sigs"`
}

// stream is what yaml.v3 makes of all documents.
type stream struct {
	Docs  []doc  `json:"docs"`
	Error string `json:"error"`
}

type doc struct {
	// Kyaml is the node as kyaml's encoder prints it.
	Kyaml      string `json:"kyaml"`
	KyamlError string `json:"kyaml_error"`
	// JSON is the decoded value as encoding/json prints it.
	JSON      string `json:"json"`
	JSONError string `json:"json_error"`
	// Kustomize is the node as `kustomize build` prints a resource.
	Kustomize      string `json:"kustomize"`
	KustomizeError string `json:"kustomize_error"`
}

// value is what sigs.k8s.io/yaml makes of the first document.
type value struct {
	JSON      string `json:"json"`
	YAML      string `json:"yaml"`
	Error     string `json:"error"`
	YAMLError string `json:"yaml_error"`
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "bench" {
		if err := bench(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(in io.Reader, out io.Writer) error {
	reader := bufio.NewReader(in)
	writer := bufio.NewWriter(out)
	for {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return writer.Flush()
		}
		if err != nil {
			return err
		}
		var r request
		if err := json.Unmarshal(line, &r); err != nil {
			return err
		}
		reply, err := json.Marshal(answer{V3: readV3(r), Sigs: readSigs(r.Text)})
		if err != nil {
			return err
		}
		if _, err := writer.Write(append(reply, '\n')); err != nil {
			return err
		}
		if err := writer.Flush(); err != nil {
			return err
		}
	}
}

// guard turns a panic of a loader or emitter into its error text.
func guard(message *string) {
	if r := recover(); r != nil {
		*message = fmt.Sprintf("panic: %v", r)
	}
}

func readV3(r request) (s stream) {
	defer guard(&s.Error)
	s.Docs = []doc{}
	decoder := yaml3.NewDecoder(strings.NewReader(r.Text))
	for {
		var node yaml3.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return s
		}
		if err != nil {
			s.Error = err.Error()
			return s
		}
		if !r.Comments {
			dropComments(&node)
		}
		var d doc
		d.Kyaml, d.KyamlError = print(&node)
		d.JSON, d.JSONError = decode(&node)
		d.Kustomize, d.KustomizeError = build(&node)
		s.Docs = append(s.Docs, d)
	}
}

func dropComments(node *yaml3.Node) {
	node.HeadComment, node.LineComment, node.FootComment = "", "", ""
	for _, child := range node.Content {
		dropComments(child)
	}
}

func print(node *yaml3.Node) (text, message string) {
	defer guard(&message)
	text, err := kyaml.String(node)
	if err != nil {
		return "", err.Error()
	}
	return text, ""
}

func decode(node *yaml3.Node) (text, message string) {
	defer guard(&message)
	var v any
	if err := node.Decode(&v); err != nil {
		return "", err.Error()
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "", err.Error()
	}
	return string(b), ""
}

func build(node *yaml3.Node) (text, message string) {
	defer guard(&message)
	b, err := kyaml.NewRNode(node).MarshalJSON()
	if err != nil {
		return "", err.Error()
	}
	b, err = sigs.JSONToYAML(b)
	if err != nil {
		return "", err.Error()
	}
	return string(b), ""
}

func readSigs(text string) (v value) {
	defer guard(&v.Error)
	b, err := sigs.YAMLToJSON([]byte(text))
	if err != nil {
		v.Error = err.Error()
		return v
	}
	v.JSON = string(b)
	y, err := sigs.JSONToYAML(bytes.Clone(b))
	if err != nil {
		v.YAMLError = err.Error()
		return v
	}
	v.YAML = string(y)
	return v
}
