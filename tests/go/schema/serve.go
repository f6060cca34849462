package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// request is one question; which fields are read depends on Op.
type request struct {
	Op string `json:"op"`

	// apply, update: the kind is builtin when CRD is absent, and goes through its Go type when Typed is set.
	APIVersion  string          `json:"apiVersion"`
	Kind        string          `json:"kind"`
	Subresource string          `json:"subresource"`
	CRD         json.RawMessage `json:"crd"`
	Typed       bool            `json:"typed"`
	Live        json.RawMessage `json:"live"`
	Object      json.RawMessage `json:"object"`
	Manager     string          `json:"manager"`
	Force       bool            `json:"force"`
	Now         string          `json:"now"`
	Reset       [][]string      `json:"reset"`
	// Rename is the name of a field of spec in v1, then in v2.
	Rename []string `json:"rename"`

	// strategic: Object, Patch, APIVersion, Kind
	Patch json.RawMessage `json:"patch"`

	// quantity
	Texts []string `json:"texts"`
}

// conflict is one contested field.
type conflict struct {
	Message string `json:"message"`
	Field   string `json:"field"`
}

// answer holds what was asked for, or Error.
type answer struct {
	Object    any        `json:"object,omitempty"`
	Error     string     `json:"error,omitempty"`
	Conflicts []conflict `json:"conflicts,omitempty"`
	Texts     []string   `json:"texts,omitempty"`
	Unknown   []string   `json:"unknown,omitempty"`
	Errors    []string   `json:"errors,omitempty"`
	Fields    any        `json:"fields,omitempty"`
}

func serve(in io.Reader, out *bufio.Writer) error {
	reader := bufio.NewReaderSize(in, 1<<20)
	encoder := json.NewEncoder(out)
	for {
		line, err := reader.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		var asked request
		if err := json.Unmarshal(line, &asked); err != nil {
			return fmt.Errorf("request %s: %w", line, err)
		}
		if err := encoder.Encode(respond(&asked)); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
}

func respond(asked *request) (out answer) {
	// The published code panics on some malformed patches; a server recovers and answers with an error.
	defer func() {
		if reason := recover(); reason != nil {
			out = answer{Error: fmt.Sprintf("panic: %v", reason)}
		}
	}()
	switch asked.Op {
	case "apply", "update":
		return write(asked)
	case "extract":
		return extract(asked)
	case "normalize":
		return normalize(asked)
	case "custom":
		return custom(asked)
	case "strategic":
		return strategic(asked)
	case "quantity":
		return quantities(asked)
	}
	return answer{Error: fmt.Sprintf("unknown op %q", asked.Op)}
}
