package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"pullphone/cmd/pullphone/config"
	"pullphone/store"
)

// calls prints the history, as the running server tells it, or from the store when none runs.
func calls(ctx context.Context, fs *flag.FlagSet, args []string, out io.Writer) error {
	asJSON := fs.Bool("json", false, "")
	ago := 24 * time.Hour
	fs.Func("since", "", func(s string) (err error) {
		ago, err = config.ParseDuration(s)
		return err
	})
	cfg, _, err := configured(fs, args, 0)
	if err != nil {
		return err
	}
	since := time.Now().Add(-ago)
	w := bufio.NewWriter(out)
	show, done := printTable(w)
	if *asJSON {
		enc := json.NewEncoder(w)
		show, done = func(r store.Record) error { return enc.Encode(r) }, func() error { return nil }
	}
	err = eachCall(ctx, cfg, since, func(r store.Record) error { return show(harmless(r)) })
	return errors.Join(err, done(), w.Flush())
}

func eachCall(ctx context.Context, cfg *config.Config, since time.Time, show func(store.Record) error) error {
	res, err := askAdmin(ctx, cfg, "/calls?since="+url.QueryEscape(since.Format(time.RFC3339Nano)))
	if err != nil {
		return err
	}
	if res == nil {
		return eachStored(ctx, cfg, since, show)
	}
	defer res.Body.Close()
	dec := json.NewDecoder(res.Body)
	for {
		var r store.Record
		if err := dec.Decode(&r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("history from the running server: %w", err)
		}
		if err := show(r); err != nil {
			return err
		}
	}
}

func eachStored(ctx context.Context, cfg *config.Config, since time.Time, show func(store.Record) error) error {
	db, err := storageOf(cfg).read(ctx)
	if err != nil {
		return fmt.Errorf("no server answers at admin_listen %s, and the store: %w", cfg.AdminListen, err)
	}
	defer db.Close()
	st, err := store.OpenHistory(ctx, db, team(cfg))
	if err != nil {
		return err
	}
	for r, err := range st.History(ctx, since) {
		if err == nil {
			err = show(r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// askAdmin asks the running server. It returns nil when none runs.
func askAdmin(ctx context.Context, cfg *config.Config, path string) (*http.Response, error) {
	return sendAdmin(ctx, cfg, http.MethodGet, path, nil)
}

func sendAdmin(ctx context.Context, cfg *config.Config, method, path string, body io.Reader) (*http.Response, error) {
	res, err := reachAdmin(ctx, cfg, method, path, body)
	if res == nil || res.StatusCode == http.StatusOK {
		return res, err
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 200)) // what there is of it
	return nil, fmt.Errorf("the server at admin_listen %s answers %s: %s", cfg.AdminListen, res.Status, strings.TrimSpace(string(text)))
}

// reachAdmin is the same, whatever the server answers.
func reachAdmin(ctx context.Context, cfg *config.Config, method, path string, body io.Reader) (*http.Response, error) {
	at, err := adminURL(cfg, path)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, at, body)
	if err != nil {
		return nil, err
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = 10 * time.Second // another program may sit on the port; a backup may take long once it has begun
	res, err := (&http.Client{Transport: t}).Do(req)
	if err != nil {
		return nil, ctx.Err()
	}
	return res, nil
}

func printTable(out io.Writer) (show func(store.Record) error, done func() error) {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ARRIVED\tLINE\tFROM\tNAME\tWAITED\tOUTCOME\tBY\tLENGTH")
	show = func(r store.Record) error {
		from, by := r.From, r.AnsweredBy
		if from == "" {
			from = "withheld"
		}
		if by == "" {
			by = string(r.Via)
		}
		length := time.Duration(max(r.TalkedSeconds, r.VoicemailSeconds)) * time.Second
		_, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Arrived.Local().Format("2006-01-02 15:04:05"), r.Line, from,
			r.Name, time.Duration(r.WaitedSeconds)*time.Second, r.Outcome, by, length)
		return err
	}
	return show, w.Flush
}

// harmless is a record that steers no terminal, whoever wrote it.
func harmless(r store.Record) store.Record {
	for _, s := range []*string{&r.CallSID, &r.Line, &r.From, &r.Name, &r.Place, &r.AnsweredBy} {
		*s = printable(*s)
	}
	return r
}

// printable keeps what a stranger may have set from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}
