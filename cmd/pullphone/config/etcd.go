package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// Etcd says how to sign in to etcd, and whether by TLS.
type Etcd struct {
	User     string // or empty
	Password Secret // there is one if and only if there is a User
	TLS      bool   // else what goes to etcd is plain
	CAFile   string // PEM certificates of those who vouch for etcd's; empty: the system's
	CertFile string // PEM certificate to show to etcd, or empty
	KeyFile  string // PEM key of CertFile; empty if and only if that is
}

// etcdKeys are the keys below etcd that hold text, each with the variable of etcdctl that counts where the file says
// nothing (github.com/etcd-io/etcd/blob/main/etcdctl/README.md).
var etcdKeys = []struct{ key, variable string }{
	{"user", "ETCDCTL_USER"}, {"password", "ETCDCTL_PASSWORD"},
	{"ca_file", "ETCDCTL_CACERT"}, {"cert_file", "ETCDCTL_CERT"}, {"key_file", "ETCDCTL_KEY"},
}

// etcdPlain is etcdctl's variable whose false asks for TLS where no file does.
const etcdPlain = "ETCDCTL_INSECURE_TRANSPORT"

// etcdError is what is wrong with one of the keys. Its problem completes a sentence that begins with where that was given.
type etcdError struct{ key, problem string }

func (e *etcdError) Error() string { return e.key + " " + e.problem }

// EtcdFromEnv takes etcdctl's environment variables alone, for commands without a config file.
func EtcdFromEnv(getenv func(string) (string, bool)) (Etcd, error) {
	e, from, wrong := newEtcd(map[string]string{}, getenv)
	if wrong != nil {
		return Etcd{}, fmt.Errorf("%s in the environment %s", from[wrong.key], wrong.problem)
	}
	return e, nil
}

// etcd reads how to sign in to the store, if that is etcd.
func (v value) etcd(s Store) Etcd {
	f, ok := v.fields("user", "password", "tls", "ca_file", "cert_file", "key_file")
	if !ok {
		return Etcd{}
	}
	before := len(v.r.problems)
	given := map[string]string{}
	for _, k := range etcdKeys {
		given[k.key], _ = f[k.key].text()
	}
	secure := f["tls"].boolean(false)
	if s.Path != "" || len(v.r.problems) > before {
		return Etcd{}
	}
	e, from, wrong := newEtcd(given, v.r.getenv)
	switch {
	case wrong == nil:
	case from[wrong.key] != "":
		v.fail("%s in the environment %s", from[wrong.key], wrong.problem)
	default:
		f[wrong.key].fail("%s", wrong.problem)
	}
	e.TLS = e.TLS || secure
	return e
}

// newEtcd completes what is given, by key, from the environment, and checks it. From has the variable of each key that
// was found there.
func newEtcd(given map[string]string, getenv func(string) (string, bool)) (e Etcd, from map[string]string, wrong *etcdError) {
	from = map[string]string{}
	for _, k := range etcdKeys {
		if s, _ := getenv(k.variable); given[k.key] == "" && s != "" {
			given[k.key], from[k.key] = s, k.variable
		}
	}
	user, password, both := strings.Cut(given["user"], ":")
	if both && from["user"] != "" && given["password"] == "" { // as etcdctl takes it
		given["user"], given["password"], from["password"] = user, password, from["user"]
	}
	if given["user"] == "" && from["password"] != "" { // etcdctl does not mind either
		delete(given, "password")
	}
	for _, pair := range [][2]string{{"user", "password"}, {"password", "user"}, {"cert_file", "key_file"}, {"key_file", "cert_file"}} {
		if given[pair[0]] != "" && given[pair[1]] == "" {
			return Etcd{}, from, &etcdError{pair[0], fmt.Sprintf("is given without etcd.%s; give both or neither", pair[1])}
		}
	}
	e = Etcd{User: given["user"], CAFile: given["ca_file"], CertFile: given["cert_file"], KeyFile: given["key_file"]}
	if e.User != "" {
		e.Password = NewSecret(given["password"])
	}
	e.TLS = e.CAFile+e.CertFile != ""
	if s, _ := getenv(etcdPlain); s != "" {
		plain, err := strconv.ParseBool(s)
		if err != nil {
			from["tls"] = etcdPlain
			return Etcd{}, from, &etcdError{"tls", "is neither true nor false; write false for TLS"}
		}
		e.TLS = e.TLS || !plain
	}
	_, wrong = e.tlsConfig()
	return e, from, wrong
}

// TLSConfig reads the files. It returns nil when etcd is spoken to plainly. The certificate to show is read again for
// each connection, so that one which was renewed needs no restart.
func (e Etcd) TLSConfig() (*tls.Config, error) {
	c, wrong := e.tlsConfig()
	if wrong != nil {
		return nil, fmt.Errorf("etcd.%w", wrong)
	}
	return c, nil
}

func (e Etcd) tlsConfig() (*tls.Config, *etcdError) {
	if !e.TLS {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if e.CAFile != "" {
		pem, err := readRegular(e.CAFile)
		if err != nil {
			return nil, &etcdError{"ca_file", err.Error() + "; write the path of a PEM file"}
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, &etcdError{"ca_file", "holds no certificate; write the path of a PEM file that does"}
		}
	}
	if e.CertFile != "" {
		if _, wrong := e.certificate(); wrong != nil {
			return nil, wrong
		}
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			cert, wrong := e.certificate()
			if wrong != nil {
				return nil, fmt.Errorf("etcd.%w", wrong)
			}
			return cert, nil
		}
	}
	return c, nil
}

func (e Etcd) certificate() (*tls.Certificate, *etcdError) {
	var pem [2][]byte
	for i, f := range [2]struct{ key, path string }{{"cert_file", e.CertFile}, {"key_file", e.KeyFile}} {
		var err error
		if pem[i], err = readRegular(f.path); err != nil {
			return nil, &etcdError{f.key, err.Error() + "; write the path of a PEM file"}
		}
	}
	pair, err := tls.X509KeyPair(pem[0], pem[1])
	if err != nil {
		return nil, &etcdError{"cert_file", fmt.Sprintf("does not go with etcd.key_file (%v); write the paths of two PEM files that belong together", err)}
	}
	return &pair, nil
}

// readRegular reads a file that has an end: a pipe or device could be read for ever. Its error does not tell the path,
// which a variable may have made of a secret.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	var b []byte
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = errors.New("it is no regular file")
	default:
		b, err = os.ReadFile(path)
	}
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		err = at.Err
	}
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	return b, nil
}
