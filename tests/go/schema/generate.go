package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// The release whose published OpenAPI and discovery documents are the source of the facts.
const kubernetes = "k8s.io/kubernetes@v1.36.3"

// schema is the part of an OpenAPI v3 schema object that carries facts.
type schema struct {
	Ref           string             `json:"$ref"`
	Type          string             `json:"type"`
	Format        string             `json:"format"`
	Properties    map[string]*schema `json:"properties"`
	Items         *schema            `json:"items"`
	Additional    *schema            `json:"additionalProperties"`
	AllOf         []*schema          `json:"allOf"`
	Default       json.RawMessage    `json:"default"`
	Required      []string           `json:"required"`
	ListType      string             `json:"x-kubernetes-list-type"`
	ListMapKeys   []string           `json:"x-kubernetes-list-map-keys"`
	MapType       string             `json:"x-kubernetes-map-type"`
	PatchStrategy string             `json:"x-kubernetes-patch-strategy"`
	PatchMergeKey string             `json:"x-kubernetes-patch-merge-key"`
	Preserve      bool               `json:"x-kubernetes-preserve-unknown-fields"`
	Kinds         []struct {
		Group   string `json:"group"`
		Version string `json:"version"`
		Kind    string `json:"kind"`
	} `json:"x-kubernetes-group-version-kind"`
}

func moduleDir(module string) (string, error) {
	command := exec.Command("go", "mod", "download", "-json", module)
	command.Stderr = os.Stderr
	text, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("go mod download %s: %w", module, err)
	}
	var found struct{ Dir string }
	if err := json.Unmarshal(text, &found); err != nil {
		return "", err
	}
	return found.Dir, nil
}

func generate(out io.Writer) error {
	dir, err := moduleDir(kubernetes)
	if err != nil {
		return err
	}
	schemas, err := loadSchemas(filepath.Join(dir, "api/openapi-spec/v3"))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "# Facts of the builtin kinds, from %s (api/openapi-spec/v3, api/discovery) and the\n", kubernetes)
	fmt.Fprintf(out, "# JSON tags of the k8s.io Go types at the same release. The format is described in load.rs.\n")
	fmt.Fprintf(out, "# Regenerate: cd tests/go/schema && go run . generate > ../../../crates/schema/src/builtin/kinds.txt\n")
	if err := writeResources(out, filepath.Join(dir, "api/discovery/aggregated_v2.json")); err != nil {
		return err
	}
	return writeTypes(out, schemas, goFacts())
}

func loadSchemas(dir string) (map[string]*schema, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*_openapi.json"))
	if err != nil {
		return nil, err
	}
	all := map[string]*schema{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var document struct {
			Components struct{ Schemas map[string]*schema }
		}
		if err := json.Unmarshal(text, &document); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for name, found := range document.Components.Schemas {
			all[name] = found
		}
	}
	return all, nil
}

// short cuts the common prefixes from a model name.
func short(name string) string {
	name = strings.TrimPrefix(name, "io.k8s.api.")
	return strings.Replace(name, "io.k8s.apimachinery.pkg.", "~", 1)
}

func writeTypes(out io.Writer, schemas map[string]*schema, facts map[string]goType) error {
	names := make([]string, 0, len(schemas))
	for name := range schemas {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		found := schemas[name]
		if len(found.Kinds) == 1 {
			kind := found.Kinds[0]
			fmt.Fprintf(out, "kind %s %s\n", groupVersion(kind.Group, kind.Version), kind.Kind)
		}
		if len(found.Properties) == 0 {
			expression, err := typeOf(found)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			fmt.Fprintf(out, "type %s %s\n", short(name), expression)
			continue
		}
		attributes := ""
		if found.MapType != "" {
			attributes = " map=" + found.MapType
		}
		if found.Preserve || found.Additional != nil {
			return fmt.Errorf("%s: properties beside additional fields", name)
		}
		fmt.Fprintf(out, "type %s object%s\n", short(name), attributes)
		if err := writeFields(out, name, found, facts[name]); err != nil {
			return err
		}
	}
	return nil
}

func writeFields(out io.Writer, name string, found *schema, fact goType) error {
	if fact == nil {
		fmt.Fprintf(os.Stderr, "no Go type for %s\n", name)
	}
	fields := make([]string, 0, len(found.Properties))
	for field := range found.Properties {
		fields = append(fields, field)
	}
	sort.Strings(fields)
	for field := range fact {
		if !slices.Contains(fields, field) {
			fmt.Fprintf(os.Stderr, "%s: Go field %s is not in the OpenAPI schema\n", name, field)
		}
	}
	for _, field := range fields {
		property := found.Properties[field]
		expression, err := typeOf(property)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", name, field, err)
		}
		flags := fact[field]
		if flags == "" && fact != nil {
			fmt.Fprintf(os.Stderr, "%s: OpenAPI field %s is not in the Go type\n", name, field)
		}
		attributes, zero, err := fieldAttributes(property)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", name, field, err)
		}
		if slices.Contains(found.Required, field) {
			flags += "!"
		}
		if zero {
			flags += "z"
		}
		fmt.Fprintf(out, " %s %s %s%s\n", field, orDash(strings.TrimPrefix(flags, "-")), expression, attributes)
	}
	return nil
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// fieldAttributes lists what is said beside the type, and whether the declared default is the zero value.
func fieldAttributes(property *schema) (attributes string, zero bool, err error) {
	var list []string
	switch property.ListType {
	case "":
	case "map":
		list = append(list, "list=map:"+strings.Join(property.ListMapKeys, ","))
	default:
		list = append(list, "list="+property.ListType)
	}
	if property.PatchStrategy != "" {
		patch := "patch=" + property.PatchStrategy
		if property.PatchMergeKey != "" {
			patch += ":" + property.PatchMergeKey
		}
		list = append(list, patch)
	}
	if property.MapType != "" {
		list = append(list, "map="+property.MapType)
	}
	switch text := string(property.Default); text {
	case "", "{}":
	case `""`, "0", "false":
		zero = true
	default:
		if strings.ContainsAny(text, " \n") {
			return "", false, fmt.Errorf("default %s holds white space", text)
		}
		list = append(list, "default="+text)
	}
	for _, word := range list {
		attributes += " " + word
	}
	return attributes, zero, nil
}

// typeOf writes a schema as a type expression: a word, a model name, [item] or {value}.
func typeOf(found *schema) (string, error) {
	reference := found.Ref
	if reference == "" && len(found.AllOf) == 1 {
		reference = found.AllOf[0].Ref
	}
	if reference != "" {
		return short(reference[strings.LastIndex(reference, "/")+1:]), nil
	}
	switch found.Type {
	case "":
		if found.Format == "int-or-string" {
			return "int-or-string", nil
		}
		return "any", nil
	case "string":
		switch found.Format {
		case "":
			return "string", nil
		case "byte", "date-time":
			return found.Format, nil
		}
	case "boolean":
		return "boolean", nil
	case "integer":
		switch found.Format {
		case "", "int32", "int64":
			return orDefault(found.Format, "integer"), nil
		}
	case "number":
		return "number", nil
	case "array":
		inner, err := innerTypeOf(found.Items)
		return "[" + inner + "]", err
	case "object":
		if found.Additional == nil {
			return "object", nil
		}
		inner, err := innerTypeOf(found.Additional)
		return "{" + inner + "}", err
	}
	return "", fmt.Errorf("type %q with format %q is not known", found.Type, found.Format)
}

// innerTypeOf is for items and values, whose own attributes the data format has no room for.
func innerTypeOf(found *schema) (string, error) {
	if found.ListType != "" && found.ListType != "atomic" || found.PatchStrategy != "" {
		return "", fmt.Errorf("an inner list has attributes")
	}
	if found.MapType != "" {
		return "", fmt.Errorf("an inner map has attributes")
	}
	return typeOf(found)
}

func orDefault(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func groupVersion(group, version string) string {
	return orDefault(group, "core") + "/" + version
}
