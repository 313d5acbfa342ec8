package etcd_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"pullphone/store"
	"pullphone/store/etcd"
	"pullphone/store/etcd/etcdtest"
)

// TestLogin: a cluster that speaks TLS and asks for a password.
func TestLogin(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(nil) // has a certificate for 127.0.0.1
	defer server.Close()
	own := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	check(t, err)
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	check(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate[0]}), 0o600))
	check(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600))
	c := started(t, etcdtest.Options{Nodes: 1, CertFile: certFile, KeyFile: keyFile})

	good := config(c)
	good.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
	good.TLS.RootCAs.AddCert(server.Certificate())
	root := open(t, good)
	put(t, root, "a/1", "by TLS")

	admin := root.Client()
	ctx := t.Context()
	for _, do := range []func() error{
		func() error { _, err := admin.UserAdd(ctx, "root", "r00t"); return err },
		func() error { _, err := admin.UserGrantRole(ctx, "root", "root"); return err },
		func() error { _, err := admin.RoleAdd(ctx, "phone"); return err },
		func() error {
			end := clientv3.GetPrefixRangeEnd(good.Prefix + "/")
			_, err := admin.RoleGrantPermission(ctx, "phone", good.Prefix+"/", end, clientv3.PermissionType(clientv3.PermReadWrite))
			return err
		},
		func() error { _, err := admin.UserAdd(ctx, "pullphone", "s3cret"); return err },
		func() error { _, err := admin.UserGrantRole(ctx, "pullphone", "phone"); return err },
		func() error { _, err := admin.AuthEnable(ctx); return err },
	} {
		check(t, do())
	}
	good.Username, good.Password = "pullphone", "s3cret"
	db := open(t, good)
	changed, cancel := db.Watch("a/")
	defer cancel()
	check(t, db.Register(ctx, "one", nil))
	for range 20 {
		check(t, increment(db, "a/count"))
	}
	<-changed
	if got, err := get(db, "a/1"); err != nil || got != "by TLS" {
		t.Errorf("read %q, %v", got, err)
	}
	check(t, db.Fits(ctx, 100))
	if s, err := db.Status(ctx); err != nil || s.Members[0].Err != nil || s.Members[0].Version == "" {
		t.Errorf("the status is %+v, %v", s, err)
	}
	_, shrunk := db.Shrink(ctx, 2)
	for what, err := range map[string]error{"Compact": db.Compact(ctx), "Shrink": shrunk, "MayCompact": db.MayCompact(ctx)} {
		if oneLine(t, err, `"pullphone"`, "role root", "--auto-compaction-retention"); !errors.Is(err, etcd.ErrDenied) {
			t.Errorf("%s without the role root came to %v", what, err)
		}
	}
	as := good
	as.Username, as.Password = "root", "r00t"
	check(t, open(t, as).MayCompact(ctx))

	fails := func(name string, what error, change func(*etcd.Config), words ...string) {
		t.Helper()
		c := good
		change(&c)
		db, err := etcd.Open(ctx, c)
		if err == nil {
			defer db.Close()
			err = db.Update(ctx, func(tx store.Tx) error { tx.Put("a/1", []byte("changed")); return nil })
		}
		t.Logf("%s: %v", name, err)
		if oneLine(t, err, words...); !errors.Is(err, what) {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the password is told", name)
		}
	}
	fails("wrong password", etcd.ErrDenied, func(c *etcd.Config) { c.Password = "wrong" }, `"pullphone"`, "password")
	fails("unknown user", etcd.ErrDenied, func(c *etcd.Config) { c.Username = "nobody" }, `"nobody"`)
	fails("no user", etcd.ErrDenied, func(c *etcd.Config) { c.Username, c.Password = "", "" }, "user")
	fails("other keys", etcd.ErrDenied, func(c *etcd.Config) { c.Prefix = "other" }, "other/", "role")
	fails("unknown authority", etcd.ErrNoQuorum, func(c *etcd.Config) { c.TLS = &tls.Config{RootCAs: x509.NewCertPool()} }, "certificate")
	fails("no TLS", etcd.ErrNoQuorum, func(c *etcd.Config) { c.TLS = nil }, c.Nodes[0].Endpoint[len("https://"):])
	if got, err := get(db, "a/1"); err != nil || got != "by TLS" {
		t.Errorf("then it is %q, %v", got, err)
	}
	if _, err := etcd.Open(canceled(ctx), good); !errors.Is(err, context.Canceled) {
		t.Errorf("opening with a context that has ended: %v", err)
	}
}

func canceled(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}
