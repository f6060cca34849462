package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	runtimeschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/kube-openapi/pkg/spec3"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"os"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
)

// write runs the API server's field manager over one write.
func write(asked *request) answer {
	manager, err := fieldManager(asked)
	if err != nil {
		return answer{Error: err.Error()}
	}
	gvk := kindOf(asked)
	live, err := liveObject(asked, gvk)
	if err != nil {
		return answer{Error: err.Error()}
	}
	started := time.Now().Add(-time.Minute)
	var result runtime.Object
	if asked.Op == "apply" {
		config := &unstructured.Unstructured{}
		if err := unmarshal(asked.Object, &config.Object); err != nil {
			return answer{Error: err.Error()}
		}
		result, err = manager.Apply(live, config, asked.Manager, asked.Force)
	} else {
		var object runtime.Object
		object, err = decode(asked, asked.Object, gvk)
		if err != nil {
			return answer{Error: err.Error()}
		}
		result = manager.UpdateNoErrors(live, object, asked.Manager)
	}
	if err != nil {
		return refusal(err)
	}
	object, err := encode(result)
	if err != nil {
		return answer{Error: err.Error()}
	}
	restamp(object, started, asked.Now)
	return answer{Object: object}
}

func refusal(err error) answer {
	out := answer{Error: err.Error()}
	status, ok := err.(apierrors.APIStatus)
	if ok && apierrors.IsConflict(err) {
		for _, cause := range status.Status().Details.Causes {
			out.Conflicts = append(out.Conflicts, conflict{cause.Message, cause.Field})
		}
	}
	return out
}

// restamp gives the entries written now the time that the request states.
func restamp(object map[string]any, started time.Time, now string) {
	entries, _, _ := unstructured.NestedSlice(object, "metadata", "managedFields")
	for _, entry := range entries {
		entry := entry.(map[string]any)
		text, _ := entry["time"].(string)
		if written, err := time.Parse(time.RFC3339, text); err == nil && written.After(started) {
			entry["time"] = now
		}
	}
	if entries != nil {
		_ = unstructured.SetNestedSlice(object, entries, "metadata", "managedFields")
	}
}

func kindOf(asked *request) runtimeschema.GroupVersionKind {
	return runtimeschema.FromAPIVersionAndKind(asked.APIVersion, asked.Kind)
}

func liveObject(asked *request, gvk runtimeschema.GroupVersionKind) (runtime.Object, error) {
	if len(asked.Live) > 0 && string(asked.Live) != "null" {
		return decode(asked, asked.Live, gvk)
	}
	return objects{typed: asked.Typed}.New(gvk)
}

// decode reads JSON into a Go type or an unstructured object, with integers as int64 as the API server reads them.
func decode(asked *request, text []byte, gvk runtimeschema.GroupVersionKind) (runtime.Object, error) {
	if asked.Typed {
		object, err := scheme.Scheme.New(gvk)
		if err != nil {
			return nil, err
		}
		if err := unmarshal(text, object); err != nil {
			return nil, err
		}
		object.GetObjectKind().SetGroupVersionKind(gvk)
		return object, nil
	}
	object := &unstructured.Unstructured{}
	if err := unmarshal(text, &object.Object); err != nil {
		return nil, err
	}
	return object, nil
}

func encode(object runtime.Object) (map[string]any, error) {
	if found, ok := object.(*unstructured.Unstructured); ok {
		return found.Object, nil
	}
	text, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	return out, unmarshal(text, &out)
}

// objects makes, converts and defaults objects: versions differ in their name, and perhaps in that of one field.
type objects struct {
	typed  bool
	rename []string
}

func (o objects) New(gvk runtimeschema.GroupVersionKind) (runtime.Object, error) {
	if o.typed {
		object, err := scheme.Scheme.New(gvk)
		if err == nil {
			object.GetObjectKind().SetGroupVersionKind(gvk)
		}
		return object, err
	}
	object := &unstructured.Unstructured{Object: map[string]any{}}
	object.SetGroupVersionKind(gvk)
	return object, nil
}

func (o objects) Default(runtime.Object) {}

func (o objects) Convert(in, out, context any) error { return fmt.Errorf("not used") }

func (o objects) ConvertFieldLabel(gvk runtimeschema.GroupVersionKind, label, value string) (string, string, error) {
	return "", "", fmt.Errorf("not used")
}

func (o objects) ConvertToVersion(in runtime.Object, versioner runtime.GroupVersioner) (runtime.Object, error) {
	from := in.GetObjectKind().GroupVersionKind()
	to, ok := versioner.KindForGroupVersionKinds([]runtimeschema.GroupVersionKind{from})
	if group, isVersion := versioner.(runtimeschema.GroupVersion); isVersion {
		to, ok = group.WithKind(from.Kind), true
	}
	if !ok {
		return nil, fmt.Errorf("no version to convert to")
	}
	found, isUnstructured := in.(*unstructured.Unstructured)
	if !isUnstructured {
		return in, nil
	}
	if !o.typed {
		if from == to {
			return in, nil
		}
		out := found.DeepCopy()
		out.SetGroupVersionKind(to)
		o.renameField(out.Object, to.Version)
		return out, nil
	}
	object, err := scheme.Scheme.New(to)
	if err != nil {
		return nil, err
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(found.Object, object); err != nil {
		return nil, err
	}
	object.GetObjectKind().SetGroupVersionKind(to)
	return object, nil
}

func (o objects) renameField(object map[string]any, version string) {
	spec, isMap := object["spec"].(map[string]any)
	if !isMap || len(o.rename) != 2 {
		return
	}
	from, to := o.rename[0], o.rename[1]
	if version == "v1" {
		from, to = to, from
	}
	if value, found := spec[from]; found {
		delete(spec, from)
		spec[to] = value
	}
}

func fieldManager(asked *request) (*managedfields.FieldManager, error) {
	converter, err := converterFor(asked)
	if err != nil {
		return nil, err
	}
	gvk := kindOf(asked)
	reset := map[fieldpath.APIVersion]fieldpath.Filter{}
	if len(asked.Reset) > 0 {
		set := fieldpath.NewSet()
		for _, names := range asked.Reset {
			var path fieldpath.Path
			for _, name := range names {
				path = append(path, fieldpath.FieldNameElement(name))
			}
			set.Insert(path)
		}
		for _, version := range []string{"v1", "v2"} {
			reset[fieldpath.APIVersion(gvk.Group+"/"+version)] = fieldpath.NewExcludeSetFilter(set)
		}
		reset[fieldpath.APIVersion(asked.APIVersion)] = fieldpath.NewExcludeSetFilter(set)
	}
	made := objects{asked.Typed, asked.Rename}
	return managedfields.NewDefaultCRDFieldManager(
		converter, made, made, made, gvk, gvk.GroupVersion(), asked.Subresource, reset)
}

var (
	builtinConverter = sync.OnceValues(func() (managedfields.TypeConverter, error) {
		dir, err := moduleDir(kubernetes)
		if err != nil {
			return nil, err
		}
		files, err := filepath.Glob(filepath.Join(dir, "api/openapi-spec/v3", "*_openapi.json"))
		if err != nil {
			return nil, err
		}
		models := map[string]*spec.Schema{}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			var document spec3.OpenAPI
			if err := json.Unmarshal(text, &document); err != nil {
				return nil, err
			}
			if document.Components != nil {
				for name, model := range document.Components.Schemas {
					models[name] = model
				}
			}
		}
		return managedfields.NewTypeConverter(models, false)
	})
	customConverters = map[string]managedfields.TypeConverter{}
)

func converterFor(asked *request) (managedfields.TypeConverter, error) {
	if len(asked.CRD) == 0 || string(asked.CRD) == "null" {
		return builtinConverter()
	}
	if known, ok := customConverters[string(asked.CRD)]; ok {
		return known, nil
	}
	definition := &apiextensions.CustomResourceDefinition{}
	if err := json.Unmarshal(asked.CRD, definition); err != nil {
		return nil, err
	}
	models := map[string]*spec.Schema{}
	for _, version := range definition.Spec.Versions {
		document, err := builder.BuildOpenAPIV3(definition, version.Name, builder.Options{})
		if err != nil {
			return nil, err
		}
		for name, model := range document.Components.Schemas {
			models[name] = model
		}
	}
	converter, err := managedfields.NewTypeConverter(models, false)
	if err == nil {
		customConverters[string(asked.CRD)] = converter
	}
	return converter, err
}

// extract lists the fields of an object, as a manager that applies it would own them.
func extract(asked *request) answer {
	converter, err := converterFor(asked)
	if err != nil {
		return answer{Error: err.Error()}
	}
	object, err := decode(asked, asked.Object, kindOf(asked))
	if err != nil {
		return answer{Error: err.Error()}
	}
	value, err := converter.ObjectToTyped(object, typed.AllowDuplicates)
	if err != nil {
		return answer{Error: err.Error()}
	}
	set, err := value.ToFieldSet()
	if err != nil {
		return answer{Error: err.Error()}
	}
	text, err := set.ToJSON()
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Fields: json.RawMessage(text), Texts: []string{string(text)}}
}
