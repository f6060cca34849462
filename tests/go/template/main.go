// Command template answers what text/template makes of templates and data.
//
// It is the reference of the differential tests of crates/gotemplate. Requests are JSON objects, one a
// line, on standard input; answers likewise on standard output, in order. Templates are parsed in the
// order given, the first one is executed. Texts that are no UTF-8 come with U+FFFD for each run of it.
//
//	{"templates": [["t", "{{.a}}"]], "data": {"a": 1}, "missingkey": "default"}
//	{"output": "1", "error": ""}
//
// With the arguments `bench TEMPLATE DATA` it times parsing and execution on these files instead.
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
	"text/template"
)

type request struct {
	Templates  [][2]string `json:"templates"`
	Data       any         `json:"data"`
	MissingKey string      `json:"missingkey"`
}

type answer struct {
	Output string `json:"output"`
	Error  string `json:"error"`
	// Panic is what Go itself died of; there is nothing to compare then.
	Panic string `json:"panic"`
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == "bench" {
		if err := bench(os.Args[2], os.Args[3]); err != nil {
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
		reply, err := json.Marshal(render(r))
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

func render(r request) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			a = answer{Panic: fmt.Sprint(p)}
		}
	}()
	set := template.New("root").Option("missingkey=" + r.MissingKey)
	set.Funcs(functions(set))
	for _, t := range r.Templates {
		if _, err := set.New(t[0]).Parse(t[1]); err != nil {
			return answer{Error: valid(err.Error())}
		}
	}
	var out bytes.Buffer
	if err := set.ExecuteTemplate(&out, r.Templates[0][0], r.Data); err != nil {
		return answer{Error: valid(err.Error())}
	}
	return answer{Output: valid(out.String())}
}

func valid(s string) string {
	return strings.ToValidUTF8(s, "\uFFFD")
}

// functions have parameters and results of all sorts; the Rust side has the same.
func functions(set *template.Template) template.FuncMap {
	return template.FuncMap{
		"strs":  func() []string { return []string{"x", "", "z"} },
		"nums":  func() []int { return []int{3, 0, -1} },
		"smap":  func() map[string]string { return map[string]string{"k": "v", "e": ""} },
		"long":  func(f float64) int64 { return int64(f) },
		"octet": func(n int) uint8 { return uint8(n) },
		"bytes": func(s string) []byte { return []byte(s) },
		"typed": func(s string, n int, f float64, b bool) string { return fmt.Sprint(s, n, f, b) },
		"vari":  func(s string, n ...int) int { return len(s) + len(n) },
		"same":  func(v any) any { return v },
		"list":  func(v ...any) []any { return v },
		"size":  func(m map[string]any) int { return len(m) },
		"count": func(v []any) int { return len(v) },
		"words": func(v []string) int { return len(v) },
		"fails": func(s string) (string, error) { return "", errors.New(s) },
		"dies":  func(s string) string { panic(s) },
		"include": func(name string, data any) (string, error) {
			var out strings.Builder
			err := set.ExecuteTemplate(&out, name, data)
			return out.String(), err
		},
	}
}
