package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

type schema struct {
	Type                 string             `json:"type"`
	Ref                  string             `json:"$ref"`
	Items                *schema            `json:"items"`
	Properties           map[string]*schema `json:"properties"`
	AdditionalProperties *schema            `json:"additionalProperties"`
	Strategy             string             `json:"x-kubernetes-patch-strategy"`
	MergeKey             string             `json:"x-kubernetes-patch-merge-key"`
	MapKeys              []string           `json:"x-kubernetes-list-map-keys"`
	Gvks                 []struct {
		Group, Version, Kind string
	} `json:"x-kubernetes-group-version-kind"`
}

type bundle struct {
	Definitions map[string]*schema `json:"definitions"`
	Resources   []struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Scope      string `json:"scope"`
	} `json:"resources"`
}

func load(kyaml string) bundle {
	found, err := filepath.Glob(filepath.Join(kyaml, "openapi/kubernetesapi/data/*.json.gz"))
	if err != nil || len(found) != 1 {
		log.Fatalf("one OpenAPI bundle expected, found %v (%v)", found, err)
	}
	file, err := os.Open(found[0])
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		log.Fatal(err)
	}
	var b bundle
	if err := json.NewDecoder(unzipped).Decode(&b); err != nil {
		log.Fatal(err)
	}
	var own struct {
		Definitions map[string]*schema `json:"definitions"`
	}
	text := read(filepath.Join(kyaml, "openapi/kustomizationapi/swagger.json"))
	var loose map[string]any
	if err := json.Unmarshal([]byte(text), &loose); err != nil {
		log.Fatal(err)
	}
	for _, d := range loose["definitions"].(map[string]any) {
		delete(d.(map[string]any), "additionalProperties") // a bool there
	}
	again, _ := json.Marshal(loose)
	if err := json.Unmarshal(again, &own); err != nil {
		log.Fatal(err)
	}
	for name, d := range own.Definitions {
		b.Definitions[name] = d
	}
	return b
}

const openapiHead = `# What strategic merge needs of the OpenAPI document that kyaml v0.21.2 embeds (Kubernetes v1.21.2)
# and of its Kustomization schema. Written by tests/go/kustomize; do not edit.
# A line is a definition; its number (from 0, comments not counted) is how others refer to it.
# name, tab, kinds it describes (version/kind or group/version/kind, comma-separated), tab, properties:
#   name:N          refers to definition N          name:.    anything else that is not a scalar
#   name:[T         a list of T                     name:{T   a map of T
#   name:[T|s|a,b   ... with patch strategy s and merge keys a, b
# Scalar properties are left out: nothing below them can be merged.
`

func openapiTable(kyaml string) string {
	b := load(kyaml)
	var names []string
	for name := range b.Definitions {
		names = append(names, name)
	}
	sort.Strings(names)
	number := map[string]int{}
	for i, name := range names {
		number[name] = i
	}
	var out strings.Builder
	out.WriteString(openapiHead)
	for _, name := range names {
		d := b.Definitions[name]
		var kinds []string
		for _, g := range d.Gvks {
			kinds = append(kinds, strings.TrimPrefix(g.Group+"/"+g.Version+"/"+g.Kind, "/"))
		}
		var props []string
		for p, s := range d.Properties {
			if t := typeOf(s, number); t != "" {
				props = append(props, p+":"+t)
			}
		}
		sort.Strings(props)
		out.WriteString(name + "\t" + strings.Join(kinds, ",") + "\t" + strings.Join(props, ";") + "\n")
	}
	return out.String()
}

func typeOf(s *schema, number map[string]int) string {
	element := func(of *schema) string {
		if of == nil {
			return "."
		}
		if t := typeOf(of, number); t != "" {
			return t
		}
		return "."
	}
	switch {
	case s.Ref != "":
		n, found := number[strings.TrimPrefix(s.Ref, "#/definitions/")]
		if !found {
			log.Fatalf("%s is not defined", s.Ref)
		}
		return fmt.Sprint(n)
	case s.Type == "array":
		t := "[" + element(s.Items)
		keys := s.MapKeys
		if len(keys) == 0 && s.MergeKey != "" {
			keys = []string{s.MergeKey}
		}
		if s.Strategy != "" {
			t += "|" + s.Strategy + "|" + strings.Join(keys, ",")
		}
		return t
	case s.AdditionalProperties != nil:
		return "{" + element(s.AdditionalProperties)
	case s.Type == "object":
		return "."
	}
	return ""
}

const scopeHead = `# Which kinds are cluster-scoped (-) or namespaced (+) to kyaml v0.21.2, by its precomputed table.
# Written by tests/go/kustomize, which makes sure that the OpenAPI document adds none.
# Do not edit.
`

var precomputed = regexp.MustCompile(`\{APIVersion: "([^"]+)", Kind: "([^"]+)"\}:\s+(true|false)`)

func scopeTable(kyaml string) string {
	scopes := map[string]string{}
	for _, m := range precomputed.FindAllStringSubmatch(read(filepath.Join(kyaml, "openapi/openapi.go")), -1) {
		scopes[m[1]+"/"+m[2]] = map[string]string{"true": "+", "false": "-"}[m[3]]
	}
	for _, r := range load(kyaml).Resources {
		key, scope := r.APIVersion+"/"+r.Kind, map[string]string{"Namespaced": "+", "Cluster": "-"}[r.Scope]
		if scope != "" && scopes[key] != scope {
			log.Fatalf("%s: the bundle says %q, the precomputed table %q", key, scope, scopes[key])
		}
	}
	var lines []string
	for key, scope := range scopes {
		lines = append(lines, scope+key)
	}
	sort.Slice(lines, func(i, j int) bool { return lines[i][1:] < lines[j][1:] })
	return scopeHead + strings.Join(lines, "\n") + "\n"
}
