package etcd

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"go.etcd.io/etcd/api/v3/mvccpb"
)

// Calls that have ended are nearly all that etcd keeps, so their values are compressed. The first byte tells how a value of
// theirs is kept; JSON begins with neither.
const (
	deflated = 0 // a raw DEFLATE stream (RFC 1951) with the dictionary follows
	verbatim = 1 // the value follows
)

// dictionary is what such a value is made of, the most frequent last. It can never be changed: with another goes another
// first byte.
const dictionary = `"undone":[{"kind":"sms","person":"","code":,"why":"","times":}],"handed":{"by":"","note":"","at":"2026-","via":"slack","seconds":},` +
	`"back":{"at":"2026-","tries":1},"passed":[{"word":"pass","person":"","via":"sms"}],"mentions":[{"channel":"C","ts":"17"}],"forgotten":true,` +
	`"short":true,"steps":1,"outcome":"called_back","outcome":"forwarded","outcome":"missed","rule":"max_wait","rule":"caller","rule":"hours",` +
	`"status":"undelivered"},"status":"sent"},"tries":[{"person":"","why":"no-answer","at":"2026-"}],"via":"phone","via":"line","word":"forward",` +
	`"word":"voicemail","voice":[{"sid":"RE","seconds":,"at":"2026-","message":{"channel":"C","ts":"17"}}],"outcome":"voicemail",` +
	`{"id":"01","sid":"CA","line":"+1","from":"+1","name":"","city":"","state":"ended","attempt":1,"rev":5,"queue":"QU","fetched":1,` +
	`"claim":{"word":"take","person":"","via":"slack","answer":"press:U:take:","via":"sms","answer":"sms:SM","attempt":1,"at":"2026-"},` +
	`"told":["",""],"texts":[{"person":"","attempt":1,"sid":"SM","status":"delivered"},{"person":"","attempt":1,"sid":"SM","status":"delivered"}],` +
	`"message":{"channel":"C0","ts":"17","rev":5},"arrived":"2026-","accepted":"2026-","stopped":"2026-","outcome":"talked","seconds":`

// compressed reports whether the values of a key are.
func compressed(key string) bool { return strings.HasPrefix(key, "done/") }

var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriterDict(nil, flate.DefaultCompression, []byte(dictionary))
	if err != nil {
		panic(err) // there is such a level
	}
	return w
}}

var inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}

// kept is how the value of a key is kept.
func kept(key string, value []byte) string {
	if !compressed(key) {
		return string(value)
	}
	var b bytes.Buffer
	b.WriteByte(deflated)
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&b)
	_, err := w.Write(value)
	if err = errors.Join(err, w.Close()); err != nil {
		panic(err) // a buffer takes everything
	}
	switch {
	case b.Len() < len(value):
		return b.String()
	case len(value) > 0 && value[0] <= verbatim:
		return string(append([]byte{verbatim}, value...))
	}
	return string(value)
}

// read is the value of a key that is kept so, never nil.
func read(key string, kept []byte) ([]byte, error) {
	switch {
	case !compressed(key) || len(kept) == 0 || kept[0] > verbatim:
		return append([]byte{}, kept...), nil
	case kept[0] == verbatim:
		return append([]byte{}, kept[1:]...), nil
	}
	r := inflaters.Get().(io.Reader)
	defer inflaters.Put(r)
	err := r.(flate.Resetter).Reset(bytes.NewReader(kept[1:]), []byte(dictionary))
	value := []byte{}
	if err == nil {
		value, err = io.ReadAll(r)
	}
	if err != nil {
		err = fmt.Errorf("etcd: the value of %s is damaged: %w", key, err)
	}
	return value, err
}

// version is a value and the revision that wrote it; nil and 0 when there is none.
type version struct {
	value    []byte
	revision int64
}

func versionOf(key string, kv *mvccpb.KeyValue) (version, error) {
	value, err := read(key, kv.Value)
	return version{value, kv.ModRevision}, err
}
