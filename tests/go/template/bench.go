package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"text/template"
)

// bench prints how long it takes to parse a template and to execute it.
func bench(templateFile, dataFile string) error {
	text, err := os.ReadFile(templateFile)
	if err != nil {
		return err
	}
	encoded, err := os.ReadFile(dataFile)
	if err != nil {
		return err
	}
	var data any
	if err := json.Unmarshal(encoded, &data); err != nil {
		return err
	}
	parse := func() (*template.Template, error) {
		set := template.New("deployment.yaml")
		return set.Funcs(functions(set)).Parse(string(text))
	}
	set, err := parse()
	if err != nil {
		return err
	}
	if err := set.Execute(&bytes.Buffer{}, data); err != nil {
		return err
	}
	fmt.Println("parse  ", testing.Benchmark(func(b *testing.B) {
		for range b.N {
			_, _ = parse()
		}
	}))
	fmt.Println("execute", testing.Benchmark(func(b *testing.B) {
		for range b.N {
			_ = set.Execute(&bytes.Buffer{}, data)
		}
	}))
	return nil
}
