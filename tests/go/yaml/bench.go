package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	yaml3 "go.yaml.in/yaml/v3"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	sigs "sigs.k8s.io/yaml"
)

// cpu is the CPU time that the process has used, collector included.
func cpu() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// bench prints one line of JSON for each operation: its name and the CPU seconds of the best of 3 runs.
func bench(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	documents := strings.Split(string(data), "\n---\n")
	var nodes []*yaml3.Node
	var values []any
	steps := []struct {
		name string
		run  func() error
	}{
		{"Go yaml.v3 to Node", func() error { return eachNode(data, &nodes) }},
		{"Go kyaml String", func() error {
			for _, node := range nodes {
				if _, err := kyaml.String(node); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Go sigs.k8s.io/yaml to map", func() error {
			values = values[:0]
			for _, document := range documents {
				var v any
				if err := sigs.Unmarshal([]byte(document), &v); err != nil {
					return err
				}
				values = append(values, v)
			}
			return nil
		}},
		{"Go sigs.k8s.io/yaml Marshal", func() error {
			for _, v := range values {
				if _, err := sigs.Marshal(v); err != nil {
					return err
				}
			}
			return nil
		}},
	}
	for _, step := range steps {
		best := time.Duration(0)
		for range 3 {
			runtime.GC()
			start := cpu()
			if err := step.run(); err != nil {
				return err
			}
			if took := cpu() - start; best == 0 || took < best {
				best = took
			}
		}
		line, err := json.Marshal(map[string]any{"name": step.name, "seconds": best.Seconds(), "bytes": len(data)})
		if err != nil {
			return err
		}
		fmt.Println(string(line))
	}
	return nil
}

func eachNode(data []byte, nodes *[]*yaml3.Node) error {
	*nodes = (*nodes)[:0]
	decoder := yaml3.NewDecoder(bytes.NewReader(data))
	for {
		node := &yaml3.Node{}
		err := decoder.Decode(node)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		*nodes = append(*nodes, node)
	}
}
