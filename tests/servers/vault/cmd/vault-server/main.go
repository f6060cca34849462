// Command vault-server is the real core and HTTP layer of Vault with the engines that trueup's tests
// need, and no more: the whole of Vault brings 1,700 packages of clouds and databases.
//
// Vault is under the Business Source License: this is for tests, never linked into or shipped with
// trueup.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault-plugin-auth-jwt"
	"github.com/hashicorp/vault-plugin-auth-kubernetes"
	"github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/audit"
	"github.com/hashicorp/vault/builtin/credential/approle"
	authaws "github.com/hashicorp/vault/builtin/credential/aws"
	"github.com/hashicorp/vault/builtin/credential/cert"
	"github.com/hashicorp/vault/builtin/credential/userpass"
	"github.com/hashicorp/vault/builtin/logical/aws"
	"github.com/hashicorp/vault/builtin/logical/database"
	"github.com/hashicorp/vault/builtin/logical/pki"
	"github.com/hashicorp/vault/builtin/logical/ssh"
	"github.com/hashicorp/vault/builtin/logical/transit"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/plugins/database/postgresql"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical"
	"github.com/hashicorp/vault/sdk/physical/file"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

// engines are the plugins that this server has, by type and name.
type engines map[consts.PluginType]map[string]logical.Factory

// databases are the kinds of database that the engine of that name knows here. None is ever reached.
var databases = map[string]func() (interface{}, error){"postgresql-database-plugin": postgresql.New}

func (e engines) Get(name string, kind consts.PluginType) (func() (interface{}, error), bool) {
	if kind == consts.PluginTypeDatabase {
		factory, ok := databases[name]
		return factory, ok
	}
	factory, ok := e[kind][name]
	if !ok {
		return nil, false
	}
	return func() (interface{}, error) { return factory, nil }, true
}

func (e engines) Contains(name string, kind consts.PluginType) bool {
	_, ok := e.Get(name, kind)
	return ok
}

func (e engines) Keys(kind consts.PluginType) []string {
	names := []string{}
	for name := range e[kind] {
		names = append(names, name)
	}
	return names
}

func (e engines) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, e.Contains(name, kind)
}

func (engines) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "where to listen")
	storage := flag.String("storage", "", "the folder of the file storage; in memory where it is empty")
	certificate := flag.String("tls-cert", "", "a certificate file, for HTTPS")
	key := flag.String("tls-key", "", "its key")
	level := flag.String("log-level", "warn", "how much to log")
	flag.Parse()
	if err := run(*listen, *storage, *certificate, *key, *level); err != nil {
		fmt.Fprintln(os.Stderr, "vault-server:", err)
		os.Exit(1)
	}
}

func store(folder string, logger hclog.Logger) (physical.Backend, string, error) {
	if folder == "" {
		backend, err := inmem.NewInmem(nil, logger)
		return backend, "inmem", err
	}
	backend, err := file.NewFileBackend(map[string]string{"path": folder}, logger)
	return backend, "file", err
}

func run(listen, storage, certificate, key, level string) error {
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.LevelFromString(level), Output: os.Stderr})
	backend, kind, err := store(storage, logger)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	scheme := "http"
	if certificate != "" {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return err
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
		scheme = "https"
	}
	address := fmt.Sprintf("%s://%s", scheme, listener.Addr())
	auth := map[string]logical.Factory{
		"approle":    approle.Factory,
		"aws":        authaws.Factory,
		"cert":       cert.Factory,
		"jwt":        jwtauth.Factory,
		"kubernetes": kubeauth.Factory,
		"oidc":       jwtauth.Factory,
		"userpass":   userpass.Factory,
	}
	secrets := map[string]logical.Factory{
		"aws":      aws.Factory,
		"database": database.Factory,
		"kv":       kv.Factory,
		"pki":      pki.Factory,
		"ssh":      ssh.Factory,
		"transit":  transit.Factory,
	}
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical:           backend,
		StorageType:        kind,
		LogicalBackends:    secrets,
		CredentialBackends: auth,
		AuditBackends: map[string]audit.Factory{
			"file":   audit.NewFileBackend,
			"socket": audit.NewSocketBackend,
		},
		BuiltinRegistry: engines{consts.PluginTypeCredential: auth, consts.PluginTypeSecrets: secrets},
		DisableMlock:    true,
		Logger:          logger,
		RedirectAddr:    address,
		ClusterName:     "test",
	})
	if err != nil {
		return err
	}
	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{
		Core:           core,
		ListenerConfig: &configutil.Listener{Type: "tcp", Address: listener.Addr().String()},
	})
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 30 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	fmt.Println(address)

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	select {
	case err = <-ended:
	case <-signals:
		context, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(context)
	}
	if stopped := core.Shutdown(); err == nil {
		err = stopped
	}
	return err
}
