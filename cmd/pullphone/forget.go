package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/jonboulle/clockwork"

	"pullphone/cmd/pullphone/config"
	"pullphone/store"
)

// forget erases one caller: in the store at once, at Twilio and in Slack as soon as the server gets to it.
func forget(ctx context.Context, fs *flag.FlagSet, args []string, out io.Writer) error {
	cfg, rest, err := configured(fs, args, 1)
	if err != nil {
		return err
	}
	number, err := config.ParsePhone(rest[0])
	if err != nil {
		return usagef("forget: %v", err)
	}
	res, err := sendAdmin(ctx, cfg, http.MethodPost, forgetPath, strings.NewReader(number))
	if err != nil {
		return err
	}
	if res == nil {
		f, others, err := forgetStored(ctx, cfg, number)
		if err != nil {
			return err
		}
		rest := "are deleted when the server runs again: start it"
		if others {
			rest = beingDeleted
		}
		sayForgotten(out, f, rest)
		return nil
	}
	defer res.Body.Close()
	var a forgetAnswer
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		return fmt.Errorf("the running server broke off (%w); ask again, that does no harm", err)
	}
	if a.Error != "" {
		return fmt.Errorf("the running server says: %s; ask again, that does no harm", a.Error)
	}
	sayForgotten(out, a.Forgotten, beingDeleted)
	return nil
}

const beingDeleted = "are being deleted; that takes some minutes"

func sayForgotten(out io.Writer, f store.Forgotten, rest string) {
	fmt.Fprintf(out, "Erased from the store: %d calls that had ended.\n", f.Calls)
	if f.Open > 0 {
		fmt.Fprintf(out, "%d calls go on and are erased when they end.\n", f.Open)
	}
	if f.Calls+f.Open > 0 {
		fmt.Fprintf(out, "Their %d recordings, call records and texts at Twilio, and %d messages in Slack %s.\n", f.Recordings, f.Messages, rest)
	}
	fmt.Fprintln(out, "Older backups still have what they had.")
}

// forgetStored erases a caller when no server runs on this machine. What is due elsewhere because of it is for others to do,
// if there are any.
func forgetStored(ctx context.Context, cfg *config.Config, number string) (f store.Forgotten, others bool, err error) {
	discard := slog.New(slog.DiscardHandler)
	db, err := storageOf(cfg).open(ctx, discard)
	if err != nil {
		return f, false, fmt.Errorf("no server answers at admin_listen %s, and the store: %w", cfg.AdminListen, err)
	}
	st, err := store.Open(ctx, db, team(cfg), clockwork.NewRealClock(), discard)
	if err != nil {
		return f, false, errors.Join(err, db.Close())
	}
	f, err = st.Forget(ctx, number)
	return f, st.Living() > 1, errors.Join(err, st.Close())
}

const forgetPath = "/forget"

// forgetAnswer is what the running server found, or why it could not.
type forgetAnswer struct {
	store.Forgotten
	Error string `json:"error,omitempty"`
}

// forgetting serves the forgetting of a caller, whose number is the body of the request, so that no URL and no log has
// it. The answer begins at once and says how it went when it is done.
func forgetting(st *store.Store) http.Handler {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 100))
		if err != nil {
			http.Error(w, "the body is no number", http.StatusBadRequest)
			return
		}
		number, err := config.ParsePhone(string(body))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		if err := http.NewResponseController(w).Flush(); err != nil {
			panic(http.ErrAbortHandler) // nobody is there
		}
		var a forgetAnswer
		// It is finished even when whoever asked goes away.
		if a.Forgotten, err = st.Forget(context.WithoutCancel(r.Context()), number); err != nil {
			st.Log.Error("forget", "err", err)
			a.Error = err.Error()
		}
		_ = json.NewEncoder(w).Encode(a) // a peer that has gone is not told
	})
	return http.NewCrossOriginProtection().Handler(h) // no page in a browser of this machine may do it
}
