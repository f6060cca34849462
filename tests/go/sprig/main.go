// Command sprig answers what Sprig's functions give for typed arguments.
//
// It is the reference of the differential test of crates/gotemplate. Requests are JSON objects, one a
// line, on standard input; answers likewise on standard output, in order. A value is null or an object
// of one field that names its Go type; numbers are texts, and strings are base64 since they need not be
// UTF-8:
//
//	{"name": "add", "args": [{"int": "1"}, {"string": "Mg=="}]}
//	{"value": {"int64": "3"}}
//
// A panic is answered as text/template words it: {"failed": true, "error": "…"}.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strconv"
	"time"

	"github.com/Masterminds/sprig/v3"
)

type request struct {
	Name string            `json:"name"`
	Args []json.RawMessage `json:"args"`
}

type answer struct {
	Value  any    `json:"value"`
	Failed bool   `json:"failed,omitempty"`
	Error  string `json:"error,omitempty"`
}

func main() {
	functions := sprig.TxtFuncMap()
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<24)
	out := bufio.NewWriter(os.Stdout)
	for in.Scan() {
		var asked request
		if err := json.Unmarshal(in.Bytes(), &asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		line, err := json.Marshal(call(functions[asked.Name], asked.Name, asked.Args))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		out.Write(append(line, '\n'))
		out.Flush()
	}
}

func call(function any, name string, raw []json.RawMessage) (given answer) {
	defer func() {
		if panicked := recover(); panicked != nil {
			if err, ok := panicked.(error); ok {
				given = answer{Failed: true, Error: err.Error()}
			} else {
				given = answer{Failed: true, Error: fmt.Sprint(panicked)}
			}
		}
	}()
	value := reflect.ValueOf(function)
	kind := value.Type()
	args := make([]reflect.Value, len(raw))
	for i := range raw {
		var of reflect.Type
		if kind.IsVariadic() && i >= kind.NumIn()-1 {
			of = kind.In(kind.NumIn() - 1).Elem()
		} else {
			of = kind.In(i)
		}
		arg := decode(raw[i])
		if arg == nil {
			args[i] = reflect.Zero(of)
		} else {
			args[i] = reflect.ValueOf(arg)
		}
	}
	results := value.Call(args)
	if len(results) == 2 && !results[1].IsNil() {
		return answer{Failed: true, Error: results[1].Interface().(error).Error()}
	}
	result := results[0].Interface()
	if list, ok := result.([]string); ok && name == "keys" {
		sort.Strings(list)
	}
	return answer{Value: encode(result)}
}

func decode(raw json.RawMessage) any {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		panic(err)
	}
	for kind, content := range fields {
		var text string
		_ = json.Unmarshal(content, &text)
		switch kind {
		case "bool":
			return text == "true"
		case "int":
			n, _ := strconv.Atoi(text)
			return n
		case "int64":
			n, _ := strconv.ParseInt(text, 10, 64)
			return n
		case "uint64":
			n, _ := strconv.ParseUint(text, 10, 64)
			return n
		case "uint32":
			n, _ := strconv.ParseUint(text, 10, 32)
			return uint32(n)
		case "float64":
			n, _ := strconv.ParseFloat(text, 64)
			return n
		case "string":
			return string(unbase(text))
		case "[]uint8":
			return unbase(text)
		case "time.Time":
			n, _ := strconv.ParseInt(text, 10, 64)
			return time.Unix(n, 0).UTC()
		case "[]interface {}":
			var items []json.RawMessage
			_ = json.Unmarshal(content, &items)
			list := []any{}
			for _, item := range items {
				list = append(list, decode(item))
			}
			return list[:len(list):len(list)]
		case "[]string":
			var items []json.RawMessage
			_ = json.Unmarshal(content, &items)
			list := []string{}
			for _, item := range items {
				list = append(list, decode(item).(string))
			}
			return list[:len(list):len(list)]
		case "[]int":
			var items []json.RawMessage
			_ = json.Unmarshal(content, &items)
			list := []int{}
			for _, item := range items {
				list = append(list, decode(item).(int))
			}
			return list[:len(list):len(list)]
		case "map[string]interface {}":
			var entries [][2]json.RawMessage
			_ = json.Unmarshal(content, &entries)
			dict := map[string]any{}
			for _, entry := range entries {
				dict[decode(entry[0]).(string)] = decode(entry[1])
			}
			return dict
		}
	}
	return nil
}

func unbase(text string) []byte {
	bytes, _ := base64.StdEncoding.DecodeString(text)
	return bytes
}

func encode(value any) any {
	kind := fmt.Sprintf("%T", value)
	switch value := value.(type) {
	case nil:
		return nil
	case string:
		return map[string]any{kind: base64.StdEncoding.EncodeToString([]byte(value))}
	case []byte:
		return map[string]any{kind: base64.StdEncoding.EncodeToString(value)}
	case float64:
		return map[string]any{kind: strconv.FormatFloat(value, 'g', -1, 64)}
	case time.Time:
		return map[string]any{kind: value.String()}
	case fmt.Stringer:
		return map[string]any{kind: value.String()}
	}
	held := reflect.ValueOf(value)
	switch held.Kind() {
	case reflect.Slice:
		if held.IsNil() {
			return map[string]any{"nil " + kind: ""}
		}
		items := []any{}
		for i := range held.Len() {
			items = append(items, encode(held.Index(i).Interface()))
		}
		return map[string]any{kind: items}
	case reflect.Map:
		if held.IsNil() {
			return map[string]any{"nil " + kind: ""}
		}
		keys := held.MapKeys()
		sort.Slice(keys, func(i, j int) bool { return keys[i].String() < keys[j].String() })
		entries := [][2]any{}
		for _, key := range keys {
			entries = append(entries, [2]any{encode(key.String()), encode(held.MapIndex(key).Interface())})
		}
		return map[string]any{kind: entries}
	}
	return map[string]any{kind: fmt.Sprint(value)}
}
