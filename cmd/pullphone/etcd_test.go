package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"pullphone/cmd/pullphone/config"
	"pullphone/store"
	"pullphone/store/bolt"
	"pullphone/store/etcd"
	"pullphone/store/etcd/etcdtest"
	"pullphone/voice/voicetest"
)

// sharedCluster is of three nodes, for all tests that break none of it. They end with this process.
var sharedCluster = sync.OnceValues(func() (*etcdtest.Cluster, error) {
	dir, err := os.MkdirTemp("", "pullphone-etcd")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // for building the server
	defer cancel()
	c, err := etcdtest.Start(ctx, etcdtest.Options{Dir: dir})
	atEnd = append(atEnd, func() {
		if c != nil {
			_ = c.Close() // they end with this process in any case
		}
		os.RemoveAll(dir)
	})
	return c, err
})

// inCluster is a store in a cluster, of this test alone, as the config file names it.
func inCluster(t testing.TB, c *etcdtest.Cluster) string {
	var hosts []string
	for _, e := range c.Endpoints() {
		hosts = append(hosts, strings.TrimPrefix(e, "http://"))
	}
	return "etcd://" + strings.Join(hosts, ",") + "/" + strings.ReplaceAll(t.Name(), "#", "-") + time.Now().Format("/150405.000000000")
}

func etcdStore(t testing.TB) string {
	t.Helper()
	c, err := sharedCluster()
	if err != nil {
		t.Fatal(err)
	}
	return inCluster(t, c)
}

// onEtcd puts a town's store there.
func onEtcd(at string) func(string) string {
	return func(y string) string {
		before, rest, _ := strings.Cut(y, "store: ")
		_, after, _ := strings.Cut(rest, "\n")
		return before + "store: " + at + "\n" + after
	}
}

func etcdPlace(t *testing.T, at string) place {
	return place{at, func() database {
		t.Helper()
		db, err := newStorage(storeOf(t, at), config.Etcd{}).open(t.Context(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}}
}

// Where there is no store, there is no empty history either: somebody has mistyped the prefix.
func TestNoStoreInEtcd(t *testing.T) {
	t.Parallel()
	h := open(t, options{yaml: onEtcd(etcdStore(t) + "x")})
	h.release()
	for _, args := range [][]string{{"calls"}, {"backup", h.file + ".copy"}} {
		code, _, errs := runs(h.ctx, append([]string{args[0], "--config", h.file}, args[1:]...)...)
		if code != 1 || !strings.Contains(errs, "holds no store") {
			t.Errorf("%s: %d, %s", args[0], code, errs)
		}
	}
}

// All commands do on etcd what they do on a file.
func TestOnEtcd(t *testing.T) {
	t.Parallel()
	at := etcdStore(t)
	h := serveTown(t, options{yaml: onEtcd(at)})
	want := played(h)
	equal(t, "readyz", h.readyz(), "200 ok")
	res, metrics := h.get("GET", "http://"+h.admin+"/metrics", nil)
	equal(t, "metrics", res.StatusCode, 200)
	for _, name := range []string{"pullphone_store_commit_seconds_count ", "pullphone_store_bytes ", "pullphone_store_quota_bytes "} {
		contains(t, "metrics", string(metrics), "\n"+name)
	}
	var tables []string
	for _, from := range []string{"running server", "etcd"} {
		code, table, errs := runs(h.ctx, "calls", "--config", h.file)
		if code != 0 || errs != "" {
			t.Fatalf("calls from the %s: exit %d, %s", from, code, errs)
		}
		tables = append(tables, table)

		copied := filepath.Join(t.TempDir(), "copy.db")
		if code, _, errs := runs(h.ctx, "backup", "--config", h.file, copied); code != 0 {
			t.Fatalf("backup from the %s: %s", from, errs)
		}
		h.must(bolt.Check(copied))
		equal(t, "history in the backup from the "+from, slices.Equal(recordsIn(h, filePlace(t, copied)), want), true)

		code, out, errs := runs(h.ctx, "check", "--config", h.file)
		for _, says := range []string{"leads, its file has ", "ok   etcd 127.0.0.1:"} {
			contains(t, "check", out, says)
		}
		says := "ok   store: the running server writes to " + at
		if from != "running server" {
			says = "ok   store: " + at + " answers; no server of this machine runs"
		}
		contains(t, "check", out, says)
		if code != 0 || errs != "" || strings.Contains(out, "BAD") {
			t.Errorf("check of the %s: exit %d, %s%s", from, code, out, errs)
		}
		h.stop()
		if from == "etcd" { // where the store changes no more
			back := etcdPlace(t, at+"-back")
			if code, _, errs := runs(h.ctx, "migrate", "--from", "bolt:"+copied, "--to", back.name); code != 0 {
				t.Fatal(errs)
			}
			equal(t, "what the backup brought back", back.content(t), etcdPlace(t, at).content(t))
		}
	}
	equal(t, "calls", tables[0], tables[1])

	// Nobody is registered any more, and what is left is served by the next.
	equal(t, "processes", keysOf(t, etcdPlace(t, at), "process/"), 0)
	h.start()
	equal(t, "processes", keysOf(t, etcdPlace(t, at), "process/"), 1)
	code, _, errs := runs(h.ctx, "migrate", "--from", at, "--to", "bolt:"+filepath.Join(t.TempDir(), "none.db"))
	if code != 1 || !strings.Contains(errs, "it is in use by 1, the eldest on ") {
		t.Errorf("migrate of a store in use: exit %d, %s", code, errs)
	}
	file := filePlace(t, filepath.Join(t.TempDir(), "file.db"))
	db := file.open()
	h.must(errors.Join(db.Update(h.ctx, func(tx store.Tx) error { tx.Put("meta/schema", []byte("1")); return nil }), db.Close()))
	code, _, errs = runs(h.ctx, "migrate", "--from", file.name, "--to", at)
	if code != 1 || !strings.Contains(errs, "it is in use by 1, the eldest on ") {
		t.Errorf("migrate to a store in use: exit %d, %s", code, errs)
	}
	code, out, errs := runs(h.ctx, "forget", "--config", h.file, janePhone)
	if code != 0 || !strings.HasPrefix(out, "Erased from the store: 1 calls that had ended.\n") {
		t.Errorf("forget: exit %d, %s%s", code, out, errs)
	}

	// Another server comes and goes.
	second := etcdPlace(t, at).open()
	h.must(second.fits(h.ctx, 125))
	if err := second.fits(h.ctx, 126); err == nil || !strings.Contains(err.Error(), "start every node with a larger --max-txn-ops") {
		t.Errorf("a line of too many people: %v", err)
	}
	st, err := store.Open(h.ctx, second, team(h.cfg), h.clock, h.store.Log)
	h.must(err)
	says := h.readyz()
	if !strings.HasPrefix(says, "200 ok\nserver: ") || strings.Count(says, "\nserver: ") != 2 {
		t.Errorf("readyz with two servers: %s", says)
	}
	h.must(st.Close())
	equal(t, "readyz", h.readyz(), "200 ok")

	h.stop()
	code, out, errs = runs(h.ctx, "forget", "--config", h.file, markPhone)
	if code != 0 || !strings.HasPrefix(out, "Erased from the store: 1 calls that had ended.\n") {
		t.Errorf("forget without a server: exit %d, %s%s", code, out, errs)
	}
}

// A backup that was made on one server, or where none runs, is known to all: none of them tells that it is missing.
func TestBackupCountsForAll(t *testing.T) {
	t.Parallel()
	at := etcdStore(t)
	h := serveTown(t, options{yaml: onEtcd(at)})
	other, err := store.Open(h.ctx, etcdPlace(t, at).open(), team(h.cfg), h.clock, h.store.Log)
	h.must(err)
	defer other.Close()
	age := func() time.Duration {
		t.Helper()
		families, err := newMetrics().registry(other.Metrics()).Gather()
		h.must(err)
		for _, f := range families {
			if f.GetName() == "pullphone_backup_age_seconds" {
				return time.Duration(f.GetMetric()[0].GetGauge().GetValue()) * time.Second
			}
		}
		t.Fatal("no metric tells of backups")
		return 0
	}
	h.clock.Advance(27 * time.Hour)
	equal(t, "never", age(), 27*time.Hour)
	h.backup("copy.db")
	equal(t, "at once", age(), 0)
	h.clock.Advance(time.Hour)
	equal(t, "later", age(), time.Hour)
	equal(t, "where it was made", h.scrape()["pullphone_backup_age_seconds"], 3600)
	h.stop()
	h.backup("copy.db")
	if age := age(); age < 27*time.Hour || age > 28*time.Hour { // the command goes by the true time
		t.Errorf("without a server: %s", age)
	}
}

// recordsIn is the history in a store that nobody serves.
func recordsIn(h *harness, p place) (all []store.Record) {
	h.t.Helper()
	db := p.open()
	defer db.Close()
	st, err := store.OpenHistory(h.ctx, db, team(h.cfg))
	h.must(err)
	for r, err := range st.History(h.ctx, time.Time{}) {
		h.must(err)
		all = append(all, r)
	}
	return all
}

// keysOf counts keys.
func keysOf(t *testing.T, p place, prefix string) (n int) {
	t.Helper()
	db := p.open()
	err := db.View(t.Context(), func(r store.Reader) error {
		n = 0
		return r.Scan(prefix, "", func(string, []byte) bool { n++; return true })
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return n
}

// A file that was moved to etcd and back holds what it held.
func TestMigrateRoundTrip(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, last := filePlace(t, filepath.Join(dir, "first.db")), filePlace(t, filepath.Join(dir, "last.db"))
	at := etcdStore(t)
	const calls = 5000
	db := first.open()
	for i := range calls / 100 {
		err := db.Update(t.Context(), func(tx store.Tx) error {
			tx.Put("meta/schema", []byte("1"))
			for j := range 100 {
				id := fmt.Sprintf("01J0000000000000000%07d", i*100+j)
				tx.Put("done/"+id, fmt.Appendf(nil, `{"id":%q,"from":"+1208555%04d","name":%q,"tries":[{"who":"Ann"}]}`, id, j, strings.Repeat("é", i)))
				tx.Put(fmt.Sprintf("sid/CA%032d", i*100+j), []byte(id))
				tx.Put("at/"+id, nil)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(db.Register(t.Context(), "me", nil), db.Close()); err != nil {
		t.Fatal(err)
	}
	want := first.content(t)
	equal(t, "keys", want.Keys, 3*calls+1)
	for _, step := range [][2]string{{first.name, at}, {at, last.name}} {
		begun := time.Now()
		code, out, errs := runs(t.Context(), "migrate", "--from", step[0], "--to", step[1])
		if code != 0 || errs != "" {
			t.Fatalf("from %s to %s: exit %d, %s%s", step[0], step[1], code, out, errs)
		}
		t.Logf("%s to %s: %s", step[0], step[1], time.Since(begun))
	}
	equal(t, "content on etcd", etcdPlace(t, at).content(t), want)
	equal(t, "content of the last file", last.content(t), want)
	code, _, errs := runs(t.Context(), "migrate", "--from", first.name, "--to", at)
	if code != 1 || !strings.Contains(errs, "it holds something already") {
		t.Errorf("over a store: exit %d, %s", code, errs)
	}
}

// One node of three may be away, and is told of; without two, the server is not ready and says why, a new one does not
// start; and with them again all goes on without a hand.
func TestEtcdNodesAway(t *testing.T) {
	t.Parallel()
	c, err := etcdtest.Start(t.Context(), etcdtest.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // after the server
	h := serveTown(t, options{yaml: onEtcd(inCluster(t, c)), errors: []string{"the store takes no change", "webhook failed", "read what is due", "deadlines",
		"retention", "what was deleted may still be read from the disk", "status of an SMS not recorded", "what another process left is not taken up yet"}, limit: 2 * time.Minute})
	away := func(i int) string { return strings.TrimPrefix(c.Nodes[i].Endpoint, "http://") }
	h.must(c.Nodes[2].Kill())
	h.readyAs("200 ok\ntrouble: etcd " + away(2) + " does not answer")
	code, out, _ := runs(h.ctx, "check", "--config", h.file)
	if code != 0 || !strings.Contains(out, "note etcd "+away(2)+": does not answer; start it") || !strings.Contains(out, "ok   store: the running server writes to etcd://") {
		t.Errorf("check with a node away: exit %d, %s", code, out)
	}
	call, _ := h.arrive(janePhone, jane)

	h.must(c.Nodes[1].Kill())
	h.clock.Advance(store.Beat)
	h.until("readyz says why", func() bool {
		says := h.readyz()
		return strings.HasPrefix(says, "503 the store takes no change: etcd does not answer: ") && strings.Contains(says, away(1)+" cannot be reached")
	})
	other := h.another("listen: "+h.listen+"\nadmin_listen: "+h.admin, "listen: 127.0.0.1:0\nadmin_listen: localhost:0")
	code, _, errs := runs(h.ctx, "serve", "--config", other)
	if code != 1 || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "pullphone: store: etcd does not answer: ") || !strings.Contains(errs, away(2)+" cannot be reached") {
		t.Errorf("serve without a majority: exit %d, %q", code, errs)
	}
	code, out, _ = runs(h.ctx, "check", "--config", h.file)
	if code != 1 || !strings.Contains(out, "BAD  store: the running server says: the store takes no change: etcd does not answer: ") {
		t.Errorf("check without a majority: exit %d, %s", code, out)
	}
	equal(t, "the caller hears", call.Place(), voicetest.PlaceQueue)

	h.must(errors.Join(c.Nodes[1].Start(), c.Nodes[2].Start()))
	if _, err := c.Leader(h.ctx); err != nil {
		t.Fatal(err)
	}
	h.until("readyz", func() bool {
		h.clock.Advance(store.Beat)
		return h.readyz() == "200 ok"
	})
	contains(t, "Ann is told", h.text(annPhone, "Yes"), "Yours")
	h.accepts(h.rings(annPhone, call))
	for _, once := range []string{`msg="read what is due" kind=sms`, `msg="the watch on etcd broke off`} { // and of a short outage before, perhaps
		if n := strings.Count(h.log.String(), once); n > 3 {
			t.Errorf("the log has %d times %s", n, once)
		}
	}
}

// A node that is cut off from the others, or halted, is told of and fails no check while the others do the work. Here it is
// one that lacks its only companion.
func TestEtcdNodeCutOff(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{yaml: onEtcd(etcdStore(t))})
	h.stop()
	c, err := etcdtest.Start(t.Context(), etcdtest.Options{Nodes: 2, Dir: t.TempDir()})
	h.must(err)
	defer c.Close()
	h.must(c.Nodes[1].Kill())
	lone := c.Nodes[0].Endpoint
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{lone}, Logger: zap.NewNop()})
	h.must(err)
	defer client.Close()
	h.until("it knows of no leader", func() bool {
		now, err := client.Status(h.ctx, lone)
		h.must(err)
		return now.Leader == 0
	})
	host := strings.TrimPrefix(lone, "http://")
	file := h.another("store: etcd://", "store: etcd://"+host+",")
	for _, says := range []string{"knows of no leader; let the nodes reach each other", "does not answer; start it"} {
		for range 4 { // the nodes are asked in turn
			code, out, errs := runs(h.ctx, "check", "--config", file)
			if code != 0 || !strings.Contains(out, "note etcd "+host+": ") || !strings.Contains(out, says) || !strings.Contains(out, "answers; no server of this machine runs") {
				t.Errorf("check: exit %d, %s%s", code, out, errs)
			}
		}
		db, err := newStorage(storeOf(t, strings.Replace(h.cfg.Store.String(), "etcd://", "etcd://"+host+",", 1)), config.Etcd{}).open(h.ctx, h.store.Log)
		h.must(err)
		if told := db.troubles(h.ctx); len(told) != 1 || !strings.HasPrefix(told[0], "etcd "+host+" ") {
			t.Errorf("troubles: %q", told)
		}
		h.must(errors.Join(db.Close(), c.Nodes[0].Pause()))
	}
	h.must(c.Nodes[0].Resume())
}

// An etcd that is full is told of with what to do, by check and by a server that cannot start.
func TestEtcdFull(t *testing.T) {
	t.Parallel()
	c, err := etcdtest.Start(t.Context(), etcdtest.Options{Nodes: 1, Dir: t.TempDir(), Flags: []string{"--quota-backend-bytes=8388608"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	at := inCluster(t, c)
	db := etcdPlace(t, at).open()
	for i := 0; err == nil; i++ {
		err = db.Update(t.Context(), func(tx store.Tx) error {
			tx.Put(fmt.Sprintf("done/%d", i), noise(1<<18))
			return nil
		})
	}
	if !errors.Is(err, etcd.ErrFull) {
		t.Fatal(err)
	}
	h := open(t, options{yaml: onEtcd(at)})
	h.release()
	_, out, _ := runs(h.ctx, "check", "--config", h.file)
	contains(t, "check", out, "BAD  store: etcd has raised the alarm NOSPACE; it takes no change: start every node with a larger --quota-backend-bytes")
	contains(t, "check", out, "note etcd "+strings.TrimPrefix(c.Nodes[0].Endpoint, "http://")+": its file has ")
	if told := db.troubles(h.ctx); len(told) != 1 || !strings.Contains(told[0], "is almost full: its file has ") {
		t.Errorf("troubles: %q", told)
	}
	code, _, errs := runs(h.ctx, "serve", "--config", h.file)
	if code != 1 || !strings.HasPrefix(errs, "pullphone: store "+at+": etcd is full: ") || strings.Count(errs, "\n") != 1 {
		t.Errorf("serve: exit %d, %q", code, errs)
	}
}

// noise is what no compression makes smaller.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// certify writes a certificate that vouches for itself, for servers on this machine, and its key.
func certify(t *testing.T, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotAfter: time.Now().Add(time.Hour),
	}
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

// An etcd that speaks TLS and asks for a user: the config file says how, and etcdctl's variables where there is none.
func TestEtcdSignIn(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	certify(t, cert, key)
	c, err := etcdtest.Start(t.Context(), etcdtest.Options{Nodes: 1, Dir: dir, CertFile: cert, KeyFile: key})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	secure, err := config.Etcd{TLS: true, CAFile: cert}.TLSConfig()
	if err != nil {
		t.Fatal(err)
	}
	admin, err := clientv3.New(clientv3.Config{Endpoints: c.Endpoints(), TLS: secure, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	for _, do := range []func() error{
		func() error { _, err := admin.RoleAdd(t.Context(), "calls"); return err },
		func() error {
			_, err := admin.RoleGrantPermission(t.Context(), "calls", "p/", "p0", clientv3.PermissionType(clientv3.PermReadWrite))
			return err
		},
		func() error { _, err := admin.UserAdd(t.Context(), "pull", "pa:ss"); return err },
		func() error { _, err := admin.UserGrantRole(t.Context(), "pull", "calls"); return err },
		func() error { _, err := admin.UserAdd(t.Context(), "root", "secret"); return err },
		func() error { _, err := admin.UserGrantRole(t.Context(), "root", "root"); return err },
		func() error { _, err := admin.AuthEnable(t.Context()); return err },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	host := strings.TrimPrefix(c.Endpoints()[0], "https://")
	h := serveTown(t, options{})
	want := played(h)
	h.stop()
	to := "etcd://" + host + "/p"
	for _, tt := range []struct {
		env string // in turn, one after the other
		err string
	}{
		{"", "does not answer without TLS; for TLS set etcd.tls, or ETCDCTL_INSECURE_TRANSPORT=false where there is no config file"},
		{"ETCDCTL_INSECURE_TRANSPORT=false", "certificate signed by unknown authority"},
		{"ETCDCTL_CACERT=" + cert, "etcd denies access"},
		{"ETCDCTL_USER=pull", "ETCDCTL_USER in the environment is given without etcd.password"},
		{"ETCDCTL_PASSWORD=wrong", `the password of user "pull" is not right`},
		{"ETCDCTL_PASSWORD=pa:ss", ""},
	} {
		if name, value, ok := strings.Cut(tt.env, "="); ok {
			t.Setenv(name, value)
		}
		code, _, errs := runs(h.ctx, "migrate", "--from", h.cfg.Store.String(), "--to", to)
		if (code != 0) != (tt.err != "") || !strings.Contains(errs, tt.err) || strings.Count(errs, "\n") > 1 {
			t.Errorf("with %s: exit %d, %s", tt.env, code, errs)
		}
	}
	t.Setenv("ETCDCTL_CACERT", "")
	self, err := os.Executable()
	h.must(err)
	back := exec.CommandContext(h.ctx, self, "migrate", "--from", to, "--to", "bolt:"+filepath.Join(dir, "back.db"))
	back.Env = append(os.Environ(), childEnv+"=1", "SSL_CERT_FILE="+cert)
	_, err = back.StdinPipe() // it ends with that
	h.must(err)
	if out, err := back.CombinedOutput(); err != nil {
		t.Errorf("with a certificate that the system trusts: %v, %s", err, out)
	}
	for _, name := range []string{"ETCDCTL_INSECURE_TRANSPORT", "ETCDCTL_USER", "ETCDCTL_PASSWORD"} {
		t.Setenv(name, "")
	}
	file := func(password string) string {
		return h.another("store: "+h.cfg.Store.String(), "store: "+to+"\netcd: {user: pull, password: '"+password+"', ca_file: "+cert+"}")
	}
	code, out, errs := runs(h.ctx, "check", "--config", file("wrong"))
	if code != 1 || !strings.Contains(out, "BAD  store: "+to+`: etcd denies access: the password of user "pull" is not right`) {
		t.Errorf("check with a wrong password: exit %d, %s%s", code, out, errs)
	}
	code, _, errs = runs(h.ctx, "serve", "--config", file("wrong"))
	if code != 1 || !strings.HasPrefix(errs, "pullphone: store: etcd denies access: ") || strings.Count(errs, "\n") != 1 {
		t.Errorf("serve with a wrong password: exit %d, %q", code, errs)
	}
	code, out, errs = runs(h.ctx, "calls", "--config", file("pa:ss"), "--json")
	if code != 0 || strings.Count(out, "\n") != len(want) {
		t.Errorf("calls: exit %d, %s%s", code, out, errs)
	}
}
