package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
)

type gvk struct{ Group, Version, Kind string }

type discoveryResource struct {
	Resource         string   `json:"resource"`
	ResponseKind     gvk      `json:"responseKind"`
	Scope            string   `json:"scope"`
	SingularResource string   `json:"singularResource"`
	ShortNames       []string `json:"shortNames"`
	Categories       []string `json:"categories"`
	Verbs            []string `json:"verbs"`
	Subresources     []struct {
		Subresource  string   `json:"subresource"`
		ResponseKind *gvk     `json:"responseKind"`
		Verbs        []string `json:"verbs"`
	} `json:"subresources"`
}

type discoveryDocument struct {
	Items []struct {
		Metadata struct{ Name string }
		Versions []struct {
			Version   string
			Resources []discoveryResource
		}
	}
}

// writeResources writes the resource table: one line a resource, one indented line a subresource.
func writeResources(out io.Writer, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var groups discoveryDocument
	if err := json.Unmarshal(text, &groups); err != nil {
		return err
	}
	core, err := legacyResources(strings.Replace(file, "aggregated_v2", "api__v1", 1))
	if err != nil {
		return err
	}
	writeGroup(out, "", "v1", core)
	for _, group := range groups.Items {
		for _, version := range group.Versions {
			writeGroup(out, group.Metadata.Name, version.Version, version.Resources)
		}
	}
	return nil
}

func writeGroup(out io.Writer, group, version string, resources []discoveryResource) {
	for _, resource := range resources {
		scope := "cluster"
		if resource.Scope == "Namespaced" {
			scope = "namespaced"
		}
		kind := resource.ResponseKind
		fmt.Fprintf(out, "resource %s %s %s %s %s %s", groupVersion(group, version), resource.Resource,
			orDash(resource.SingularResource), kind.Kind, scope, strings.Join(resource.Verbs, ","))
		if len(resource.ShortNames) > 0 {
			fmt.Fprintf(out, " short=%s", strings.Join(resource.ShortNames, ","))
		}
		if len(resource.Categories) > 0 {
			fmt.Fprintf(out, " categories=%s", strings.Join(resource.Categories, ","))
		}
		fmt.Fprintln(out)
		for _, sub := range resource.Subresources {
			response := gvk{}
			if sub.ResponseKind != nil {
				response = *sub.ResponseKind
			}
			if response.Version == "" {
				response.Group, response.Version = group, version
			}
			fmt.Fprintf(out, " %s %s %s %s\n", sub.Subresource, groupVersion(response.Group, response.Version),
				response.Kind, strings.Join(sub.Verbs, ","))
		}
	}
}

// legacyResources reads the core group's APIResourceList, which the aggregated document leaves out.
func legacyResources(file string) ([]discoveryResource, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var list struct {
		Resources []struct {
			Name, SingularName, Kind, Group, Version string
			Namespaced                               bool
			ShortNames, Categories, Verbs            []string
		}
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, err
	}
	sort.SliceStable(list.Resources, func(i, j int) bool { return list.Resources[i].Name < list.Resources[j].Name })
	var found []discoveryResource
	for _, entry := range list.Resources {
		response := gvk{entry.Group, entry.Version, entry.Kind}
		name, sub, isSub := strings.Cut(entry.Name, "/")
		if isSub && len(found) > 0 && found[len(found)-1].Resource == name {
			last := &found[len(found)-1]
			last.Subresources = append(last.Subresources, struct {
				Subresource  string   `json:"subresource"`
				ResponseKind *gvk     `json:"responseKind"`
				Verbs        []string `json:"verbs"`
			}{sub, &response, entry.Verbs})
			continue
		}
		if isSub {
			return nil, fmt.Errorf("subresource %s stands without its resource", entry.Name)
		}
		scope := "Cluster"
		if entry.Namespaced {
			scope = "Namespaced"
		}
		found = append(found, discoveryResource{
			Resource: name, ResponseKind: response, Scope: scope, SingularResource: entry.SingularName,
			ShortNames: entry.ShortNames, Categories: entry.Categories, Verbs: entry.Verbs,
		})
	}
	return found, nil
}
