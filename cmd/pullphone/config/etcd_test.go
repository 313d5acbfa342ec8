package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pairOf writes a certificate and its key.
func pairOf(t *testing.T, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// What the file does not give comes from etcdctl's variables, key by key.
func TestEtcd(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	pairOf(t, path("cert"), path("key"))
	pairOf(t, path("cert2"), path("key2"))
	if err := os.WriteFile(path("text"), []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	files := Etcd{TLS: true, CAFile: path("cert"), CertFile: path("cert"), KeyFile: path("key")}
	const right, both = "; write the path of a PEM file", "; give both or neither"
	for _, tt := range []struct {
		name, etcd string
		env        map[string]string
		want       Etcd
		err        string // after the file and line 7 or 8
	}{
		{name: "nothing"},
		{name: "user", etcd: "user: me, password: secret", want: Etcd{User: "me", Password: NewSecret("secret")}},
		{name: "user of etcdctl", env: map[string]string{"ETCDCTL_USER": "me:se:cret"}, want: Etcd{User: "me", Password: NewSecret("se:cret")}},
		{name: "user and password of etcdctl", env: map[string]string{"ETCDCTL_USER": "me:you", "ETCDCTL_PASSWORD": "secret"}, want: Etcd{User: "me:you", Password: NewSecret("secret")}},
		{name: "password of etcdctl", etcd: "user: me", env: map[string]string{"ETCDCTL_USER": "you:wrong", "ETCDCTL_PASSWORD": "secret"}, want: Etcd{User: "me", Password: NewSecret("secret")}},
		{name: "password of nobody", env: map[string]string{"ETCDCTL_PASSWORD": "secret"}},
		{name: "TLS", etcd: "tls: true", want: Etcd{TLS: true}},
		{name: "files", etcd: "ca_file: " + path("cert") + ", cert_file: " + path("cert") + ", key_file: " + path("key"), want: files},
		{name: "files of etcdctl", env: map[string]string{"ETCDCTL_CACERT": path("cert"), "ETCDCTL_CERT": path("cert"), "ETCDCTL_KEY": path("key")}, want: files},
		{name: "TLS of etcdctl", env: map[string]string{"ETCDCTL_INSECURE_TRANSPORT": "false"}, want: Etcd{TLS: true}},
		{name: "no TLS of etcdctl", etcd: "tls: true", env: map[string]string{"ETCDCTL_INSECURE_TRANSPORT": "true"}, want: Etcd{TLS: true}},
		{name: "the file counts", etcd: "ca_file: " + path("cert"), env: map[string]string{"ETCDCTL_CACERT": "/none"}, want: Etcd{TLS: true, CAFile: path("cert")}},
		{name: "empty variables", etcd: "user: '', tls: false", env: map[string]string{"ETCDCTL_USER": "", "ETCDCTL_CACERT": "", "ETCDCTL_INSECURE_TRANSPORT": ""}},

		{name: "unknown key", etcd: "usr: me", err: "8: etcd.usr: unknown key; did you mean user?"},
		{name: "no password", etcd: "user: me", err: "8: etcd.user: is given without etcd.password" + both},
		{name: "no user", etcd: "password: me", err: "8: etcd.password: is given without etcd.user" + both},
		{name: "half a pair", etcd: "cert_file: " + path("cert"), err: "8: etcd.cert_file: is given without etcd.key_file" + both},
		{name: "the other half", etcd: "key_file: " + path("cert"), err: "8: etcd.key_file: is given without etcd.cert_file" + both},
		{name: "no such file", etcd: "ca_file: " + path("none"), err: "8: etcd.ca_file: cannot be read: no such file or directory" + right},
		{name: "a folder", etcd: "cert_file: " + dir + ", key_file: " + path("key"), err: "8: etcd.cert_file: cannot be read: it is no regular file" + right},
		{name: "no key file", etcd: "cert_file: " + path("cert") + ", key_file: " + path("none"), err: "8: etcd.key_file: cannot be read: no such file or directory" + right},
		{name: "no certificate", etcd: "ca_file: " + path("text"), err: "8: etcd.ca_file: holds no certificate" + right + " that does"},
		{name: "no pair", etcd: "cert_file: " + path("cert") + ", key_file: " + path("key2"), err: "8: etcd.cert_file: does not go with etcd.key_file (tls: private key does not match public key); write the paths of two PEM files that belong together"},
		{name: "no password of etcdctl", env: map[string]string{"ETCDCTL_USER": "me"}, err: "8: etcd: ETCDCTL_USER in the environment is given without etcd.password" + both},
		{name: "neither of etcdctl", env: map[string]string{"ETCDCTL_INSECURE_TRANSPORT": "no"}, err: "8: etcd: ETCDCTL_INSECURE_TRANSPORT in the environment is neither true nor false; write false for TLS"},
		{name: "no such file of etcdctl", env: map[string]string{"ETCDCTL_CACERT": path("none")}, err: "8: etcd: ETCDCTL_CACERT in the environment cannot be read: no such file or directory" + right},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := func(name string) (string, bool) {
				if s, ok := tt.env[name]; ok {
					return s, true
				}
				return getenv(name)
			}
			c, err := Parse("f", []byte(top("store: etcd://a:2379/b\netcd: {"+tt.etcd+"}")), env)
			if tt.err != "" {
				if err == nil || err.Error() != "f:"+tt.err {
					t.Errorf("%v, not f:%s", err, tt.err)
				}
				if alone, err := EtcdFromEnv(env); len(tt.env) > 0 && (err == nil || !strings.HasSuffix("f:"+tt.err, err.Error())) {
					t.Errorf("alone: %+v, %v", alone, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			check(t, "etcd", c.Etcd, tt.want)
			if alone, err := EtcdFromEnv(env); tt.etcd == "" {
				check(t, "error", err, nil)
				check(t, "etcd without a file", alone, tt.want)
			}
			if c, err := c.Etcd.TLSConfig(); err != nil || (c != nil) != tt.want.TLS {
				t.Errorf("TLS %+v, %v", c, err)
			}
		})
	}
}

// A file that is not needed is not read, and a key that is wrong is told of.
func TestEtcdOfAFile(t *testing.T) {
	c := parse(t, top("etcd: {ca_file: /none, user: me}"))
	check(t, "etcd", c.Etcd, Etcd{})
	if _, err := Parse("f", []byte(top("etcd: {usr: me}")), getenv); err == nil || err.Error() != "f:7: etcd.usr: unknown key; did you mean user?" {
		t.Error(err)
	}
}

// A certificate that is renewed is shown from the next connection on.
func TestEtcdCertificateIsRenewed(t *testing.T) {
	dir := t.TempDir()
	e := Etcd{TLS: true, CertFile: filepath.Join(dir, "cert"), KeyFile: filepath.Join(dir, "key")}
	pairOf(t, e.CertFile, e.KeyFile)
	c, err := e.TLSConfig()
	if err != nil {
		t.Fatal(err)
	}
	shown := func() *tls.Certificate {
		t.Helper()
		cert, err := c.GetClientCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	first := shown()
	if !first.Leaf.Equal(shown().Leaf) {
		t.Error("it changes by itself")
	}
	pairOf(t, e.CertFile, e.KeyFile)
	if first.Leaf.Equal(shown().Leaf) {
		t.Error("the old one is shown")
	}
	if err := os.Remove(e.KeyFile); err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetClientCertificate(nil); err == nil || err.Error() != "etcd.key_file cannot be read: no such file or directory; write the path of a PEM file" {
		t.Error(err)
	}
}
