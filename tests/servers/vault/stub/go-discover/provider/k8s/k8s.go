// Package k8s stands in for go-discover's Kubernetes provider; see the package above.
package k8s

import (
	"errors"
	"log"
)

// Provider refuses.
type Provider struct{}

// Addrs refuses.
func (*Provider) Addrs(map[string]string, *log.Logger) ([]string, error) {
	return nil, errors.New("automatic join is left out of this test server")
}

// Help says nothing.
func (*Provider) Help() string { return "" }
