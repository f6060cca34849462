// Package discover stands in for the module of the same name: Vault reaches it only for raft's
// automatic join by cloud tags, which the tests do not use, and the real one brings every cloud's SDK.
package discover

import (
	"errors"
	"log"
)

var errAbsent = errors.New("automatic join by cloud tags is left out of this test server")

// Config is the parsed form of an automatic join.
type Config map[string]string

// String gives nothing: there is no form to give.
func (Config) String() string { return "" }

// Parse refuses every configuration.
func Parse(string) (Config, error) { return nil, errAbsent }

// Provider finds the addresses of a cluster.
type Provider interface {
	Addrs(args map[string]string, l *log.Logger) ([]string, error)
	Help() string
}

// Providers is empty.
var Providers = map[string]Provider{}

// Discover finds nothing.
type Discover struct{}

// Option changes nothing.
type Option func(*Discover) error

// New gives a Discover.
func New(...Option) (*Discover, error) { return &Discover{}, nil }

// WithProviders takes providers and uses none.
func WithProviders(map[string]Provider) Option { return func(*Discover) error { return nil } }

// Addrs refuses.
func (*Discover) Addrs(string, *log.Logger) ([]string, error) { return nil, errAbsent }
