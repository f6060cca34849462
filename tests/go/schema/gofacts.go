package main

import (
	"reflect"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	aggregator "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

// goType maps the JSON name of a field to its flags: `*` pointer or interface, `?` omitempty, `0` omitzero,
// or `-` for none.
type goType map[string]string

// goFacts maps OpenAPI model names to what only the Go types know: which empty fields are printed.
func goFacts() map[string]goType {
	facts := map[string]goType{}
	for _, known := range scheme.Scheme.AllKnownTypes() {
		collect(facts, known)
	}
	for _, value := range []any{
		apiextensions.CustomResourceDefinition{}, apiextensions.CustomResourceDefinitionList{},
		apiextensions.ConversionReview{}, aggregator.APIService{}, aggregator.APIServiceList{},
		metav1.APIGroupList{}, metav1.APIResourceList{}, metav1.APIVersions{}, metav1.Status{},
		metav1.DeleteOptions{}, metav1.WatchEvent{},
	} {
		collect(facts, reflect.TypeOf(value))
	}
	return facts
}

func collect(facts map[string]goType, found reflect.Type) {
	switch found.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Array:
		collect(facts, found.Elem())
		return
	case reflect.Struct:
	default:
		return
	}
	named, ok := reflect.New(found).Interface().(interface{ OpenAPIModelName() string })
	if !ok {
		return
	}
	if _, done := facts[named.OpenAPIModelName()]; done {
		return
	}
	fields := goType{}
	facts[named.OpenAPIModelName()] = fields
	addFields(facts, fields, found)
}

func addFields(facts map[string]goType, fields goType, found reflect.Type) {
	for i := range found.NumField() {
		field := found.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" || !field.IsExported() {
			continue
		}
		if strings.Contains(options, "inline") || field.Anonymous && name == "" {
			inner := field.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct {
				addFields(facts, fields, inner)
			}
			continue
		}
		flags := "-"
		if kind := field.Type.Kind(); kind == reflect.Pointer || kind == reflect.Interface {
			flags += "*"
		}
		if strings.Contains(options, "omitempty") {
			flags += "?"
		}
		if strings.Contains(options, "omitzero") {
			flags += "0"
		}
		fields[name] = flags
		collect(facts, field.Type)
	}
}
