package bot

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pullphone/store"
)

func newLinks(t *testing.T, url, secret string) Links {
	t.Helper()
	l, err := NewLinks(url, secret)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// parts cuts a link into what the page gets.
func parts(t *testing.T, link string) []string {
	t.Helper()
	p := strings.Split(link, "/")
	if len(p) != 8 || p[3] != "voicemail" {
		t.Fatalf("%q", link)
	}
	return p[4:]
}

func TestLinks(t *testing.T) {
	now := time.Date(2026, 3, 2, 17, 4, 5, 999_000_000, time.UTC)
	l := newLinks(t, "https://phone.example.com", "secret")
	for _, n := range []int{0, 1, 12} {
		link := l.Make(callID, n, now)
		if strings.ContainsAny(link, "?#&=+ ") {
			t.Errorf("%q: would be cut or changed where it is pasted", link)
		}
		p := parts(t, link)
		id, got, err := l.check(p[0], p[1], p[2], p[3], now)
		if id != callID || got != n || err != nil {
			t.Errorf("%q: %s, %d, %v", link, id, got, err)
		}
	}
	if l.Make(callID, 0, now) != newLinks(t, "https://phone.example.com", "secret").Make(callID, 0, now) {
		t.Error("two instances sign differently")
	}
	if len(parts(t, l.Make(callID, 0, now))[3]) != 43 { // 256 bits
		t.Error("the signature was cut")
	}
}

// Changing any character of a link makes it invalid, whatever else it would name.
func TestLinksTampered(t *testing.T) {
	now := time.Date(2026, 3, 2, 17, 4, 5, 0, time.UTC)
	l := newLinks(t, "https://phone.example.com", "secret")
	link := l.Make(callID, 1, now)
	check := func(p []string) error {
		_, _, err := l.check(p[0], p[1], p[2], p[3], now)
		return err
	}
	for part := range 4 {
		good := parts(t, link)
		for i := range good[part] {
			for _, c := range "0123456789abcxyzABCXYZ-_+/= .\x00" {
				if rune(good[part][i]) == c {
					continue
				}
				p := parts(t, link)
				p[part] = good[part][:i] + string(c) + good[part][i+1:]
				if err := check(p); !errors.Is(err, errTampered) {
					t.Fatalf("%q: %v", p, err)
				}
			}
		}
		for _, v := range []string{"", good[part] + "0", "0" + good[part], good[part] + "=", " " + good[part], good[part] + "\n", "+" + good[part], good[part][:len(good[part])-1], strings.ToUpper(good[part])} {
			p := parts(t, link)
			if p[part] == v {
				continue
			}
			p[part] = v
			if err := check(p); !errors.Is(err, errTampered) {
				t.Errorf("%q: %v", p, err)
			}
		}
	}
	// Parts cannot lend each other characters.
	p := parts(t, link)
	for _, moved := range [][]string{{p[0] + p[1], "", p[2], p[3]}, {p[0], p[1] + p[2], "", p[3]}, {"", p[0] + p[1], p[2], p[3]}, {p[0], p[2], p[1], p[3]}, {p[0] + "/" + p[1], p[1], p[2], p[3]}, {p[0][:25], p[0][25:] + p[1], p[2], p[3]}} {
		if err := check(moved); !errors.Is(err, errTampered) {
			t.Errorf("%q: %v", moved, err)
		}
	}
	for _, secret := range []string{"", "Secret", "secret "} {
		q := parts(t, newLinks(t, "https://phone.example.com", secret).Make(callID, 1, now))
		if err := check(q); !errors.Is(err, errTampered) {
			t.Errorf("signed under %q: %v", secret, err)
		}
	}
	q := parts(t, l.Make(store.CallID(callID[:25]+"6"), 1, now))
	if err := check([]string{p[0], p[1], p[2], q[3]}); !errors.Is(err, errTampered) {
		t.Errorf("signature of another link: %v", err)
	}
}

func TestLinksExpire(t *testing.T) {
	now := time.Date(2026, 3, 2, 17, 4, 5, 0, time.UTC)
	l := newLinks(t, "https://phone.example.com", "secret")
	p := parts(t, l.Make(callID, 0, now))
	for after, want := range map[time.Duration]error{
		0: nil, -time.Hour: nil, linkFor: nil, linkFor + time.Second: errExpired, linkFor + time.Hour: errExpired, 100 * 365 * 24 * time.Hour: errExpired,
	} {
		if _, _, err := l.check(p[0], p[1], p[2], p[3], now.Add(after)); !errors.Is(err, want) {
			t.Errorf("after %s: %v, want %v", after, err, want)
		}
	}
}
