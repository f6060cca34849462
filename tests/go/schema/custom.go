package main

import (
	"bytes"
	"encoding/json"
	"sort"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/api/resource"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes/scheme"
)

func unmarshal(text []byte, into any) error {
	if object, ok := into.(*map[string]any); ok {
		return utiljson.Unmarshal(text, object)
	}
	return json.Unmarshal(text, into)
}

// custom prunes, defaults and validates a custom resource in the API server's order.
// Patch holds the openAPIV3Schema.
func custom(asked *request) answer {
	var external apiextensionsv1.JSONSchemaProps
	if err := json.Unmarshal(asked.Patch, &external); err != nil {
		return answer{Error: err.Error()}
	}
	var internal apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&external, &internal, nil); err != nil {
		return answer{Error: err.Error()}
	}
	schema, err := structural.NewStructural(&internal)
	if err != nil {
		return answer{Error: err.Error()}
	}
	if errs := structural.ValidateStructural(nil, schema); len(errs) > 0 {
		out := answer{Error: "not structural"}
		for _, err := range errs {
			out.Errors = append(out.Errors, err.Error())
		}
		return out
	}
	var object map[string]any
	if err := unmarshal(asked.Object, &object); err != nil {
		return answer{Error: err.Error()}
	}
	unknown := pruning.PruneWithOptions(object, schema, true, structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	defaulting.PruneNonNullableNullsWithoutDefaults(object, schema)
	defaulting.Default(object, schema)
	validator, _, err := validation.NewSchemaValidator(&internal)
	if err != nil {
		return answer{Error: err.Error()}
	}
	out := answer{Object: object, Unknown: unknown}
	for _, err := range validation.ValidateCustomResource(nil, object, validator) {
		out.Errors = append(out.Errors, err.Error())
	}
	for _, err := range listtype.ValidateListSetsAndMaps(nil, schema, object) {
		out.Errors = append(out.Errors, err.Error())
	}
	sort.Strings(out.Errors)
	return out
}

// normalize decodes an object into its Go type and prints it.
func normalize(asked *request) answer {
	asked.Typed = true
	object, err := decode(asked, asked.Object, kindOf(asked))
	if err != nil {
		return answer{Error: err.Error()}
	}
	printed, err := encode(object)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Object: printed}
}

func strategic(asked *request) answer {
	object, err := scheme.Scheme.New(kindOf(asked))
	if err != nil {
		return answer{Error: err.Error()}
	}
	patched, err := strategicpatch.StrategicMergePatch(asked.Object, asked.Patch, object)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Object: json.RawMessage(bytes.TrimSpace(patched))}
}

// quantities prints the canonical form of each text, or an empty one for what does not parse, followed by the order of each
// pair of neighbours.
func quantities(asked *request) answer {
	var out answer
	for _, text := range asked.Texts {
		found, err := resource.ParseQuantity(text)
		if err != nil {
			out.Texts = append(out.Texts, "")
			continue
		}
		out.Texts = append(out.Texts, found.String())
	}
	for i := 1; i < len(asked.Texts); i++ {
		a, errA := resource.ParseQuantity(asked.Texts[i-1])
		b, errB := resource.ParseQuantity(asked.Texts[i])
		if errA != nil || errB != nil {
			out.Texts = append(out.Texts, "")
			continue
		}
		out.Texts = append(out.Texts, []string{"<", "=", ">"}[a.Cmp(b)+1])
	}
	return out
}
