package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"text/template"
	"time"
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
	report("parse", func() { _, _ = parse() })
	report("execute", func() { _ = set.Execute(&bytes.Buffer{}, data) })
	return nil
}

// report prints the fastest and the median of many runs: a busy machine changes these little.
func report(name string, run func()) {
	const runs = 20_000
	times := make([]time.Duration, runs)
	for i := range times {
		start := time.Now()
		run()
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	fmt.Printf("%-8s fastest %v, median %v\n", name, times[0], times[runs/2])
}
