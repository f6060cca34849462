package main

import (
	"log"
	"path/filepath"
	"regexp"
	"strings"
)

const fieldspecHead = `# The default field specs of kustomize v5.8.2 (api v0.21.2): which fields each transformer touches.
# Written by tests/go/kustomize; do not edit.
# A section is a transformer. A line is group/version/kind of the objects (- is any), a path, and
# "create" where a missing field is made. In nameReference a line that begins with ">" names the kind
# that the fields below it refer to.
`

// The constants, in the order in which the module joins them.
var fieldspecFiles = []string{
	"nameprefix", "namesuffix", "commonlabels", "templatelabels", "volumeclaimmetadatalabels",
	"commonannotations", "namespace", "varreference", "namereference", "images", "replicas",
}

func fieldspecTable(api string) string {
	dir := filepath.Join(api, "internal/konfig/builtinpluginconsts")
	constants := map[string]string{}
	literal := regexp.MustCompile("(?s)(\\w+)\\s*=\\s*`(.*?)`((?:\\s*\\+\\s*\\w+)*)")
	collect := func(file string) (order []string) {
		for _, m := range literal.FindAllStringSubmatch(read(filepath.Join(dir, file)), -1) {
			text := m[2]
			for _, other := range regexp.MustCompile(`\w+`).FindAllString(m[3], -1) {
				text += "\x00" + other + "\x00"
			}
			constants[m[1]] = text
			order = append(order, m[1])
		}
		return order
	}
	collect("metadatalabels.go")
	var sections []string
	for _, file := range fieldspecFiles {
		sections = append(sections, collect(file+".go")...)
	}
	expand := regexp.MustCompile("\x00(\\w+)\x00")
	var out strings.Builder
	out.WriteString(fieldspecHead)
	for _, name := range sections {
		text := constants[name]
		for expand.MatchString(text) {
			text = expand.ReplaceAllStringFunc(text, func(s string) string {
				found, ok := constants[strings.Trim(s, "\x00")]
				if !ok {
					log.Fatalf("%s is not a constant I know", s)
				}
				return found
			})
		}
		if regexp.MustCompile(`(?m)^\w+:$`).MatchString(text) { // else a fragment
			section(text, &out)
		}
	}
	return out.String()
}

type spec struct{ group, version, kind, path, create string }

func (s spec) gvk() string {
	dash := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	return dash(s.group) + " " + dash(s.version) + " " + dash(s.kind)
}

// section reads the little YAML these constants use: a key, then items of scalar fields, and for
// name references a nested list.
func section(text string, out *strings.Builder) {
	var item, target *spec
	flush := func() {
		if item != nil && item.path != "" {
			line := item.gvk() + " " + item.path
			if item.create == "true" {
				line += " create"
			}
			out.WriteString(line + "\n")
		}
		item = nil
	}
	for _, line := range strings.Split(text, "\n") {
		body := strings.TrimSpace(line)
		indent := len(line) - len(strings.TrimLeft(line, " "))
		switch {
		case body == "":
			continue
		case indent == 0 && strings.HasSuffix(body, ":") && !strings.HasPrefix(body, "-"):
			flush()
			out.WriteString("[" + strings.TrimSuffix(body, ":") + "]\n")
			continue
		case body == "fieldSpecs:":
			target, item = item, nil
			out.WriteString("> " + target.gvk() + "\n")
			continue
		case strings.HasPrefix(body, "- "):
			flush()
			item = &spec{}
			body = strings.TrimPrefix(body, "- ")
		}
		key, value, _ := strings.Cut(body, ": ")
		switch key {
		case "group":
			item.group = value
		case "version":
			item.version = value
		case "kind":
			item.kind = value
		case "path":
			item.path = value
		case "create":
			item.create = value
		default:
			log.Fatalf("unknown key in field specs: %q", line)
		}
	}
	flush()
}
