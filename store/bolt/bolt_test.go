package bolt_test

import (
	"path/filepath"
	"testing"

	"pullphone/store"
	"pullphone/store/bolt"
	"pullphone/store/storetest"
)

// opener is the suite's way to a file of its own.
func opener(t *testing.T) (store.Backend, func() store.Backend) {
	path := filepath.Join(t.TempDir(), "calls.db")
	open := func() store.Backend {
		db, err := bolt.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	return open(), open
}

func TestBackend(t *testing.T) { storetest.Run(t, opener) }

func TestStore(t *testing.T) { storetest.RunStore(t, opener) }
