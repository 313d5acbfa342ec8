package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport says which packages of ours each package may import: the shape of the house. Voice and bot do not know each
// other, nothing but the command knows a backend, the doubles know nothing of what they stand for.
var mayImport = map[string][]string{
	"store":                        {},
	"store/bolt":                   {"store"},
	"store/etcd":                   {"store"},
	"store/etcd/etcdtest":          {},
	"store/storetest":              {"store"},
	"voice/twilio":                 {},
	"voice/music":                  {},
	"voice/music/internal/compose": {},
	"voice":                        {"store", "voice/twilio", "voice/music"},
	"bot":                          {"store", "voice/twilio"},
	"voice/voicetest":              {},
	"bot/bottest":                  {},
	"cmd/pullphone/config":         {"bot"}, // which words are taken
	"cmd/pullphone/page":           {"voice/voicetest", "bot/bottest"},
	"cmd/pullphone": {"store", "store/bolt", "store/etcd", "voice", "voice/twilio", "voice/voicetest", "bot", "bot/bottest",
		"cmd/pullphone/config", "cmd/pullphone/page"},
}

// doubles are shipped, or could be: the demo runs on the first two.
var doubles = []string{"voice/voicetest", "bot/bottest", "store/etcd/etcdtest"}

type goPackage struct {
	ImportPath    string
	Imports, Deps []string
}

func TestImports(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		e, _ := errors.AsType[*exec.ExitError](err)
		t.Fatalf("go list: %v %+v", err, e)
	}
	all := map[string]goPackage{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(p.ImportPath, "pullphone/")] = p
	}
	for _, complaint := range misplaced(all) {
		t.Error(complaint)
	}

	// What the test is for must be seen by it.
	for name, spoil := range map[string]func(map[string]goPackage){
		"a new package":         func(m map[string]goPackage) { m["store/paper"] = goPackage{} },
		"a package gone":        func(m map[string]goPackage) { delete(m, "bot") },
		"bot imports voice":     func(m map[string]goPackage) { m["bot"] = goPackage{Imports: []string{"pullphone/voice"}} },
		"voice imports bot":     func(m map[string]goPackage) { m["voice"] = goPackage{Imports: []string{"pullphone/bot"}} },
		"voice imports a store": func(m map[string]goPackage) { m["voice"] = goPackage{Imports: []string{"pullphone/store/bolt"}} },
		"a double tests":        func(m map[string]goPackage) { m["bot/bottest"] = goPackage{Deps: []string{"testing"}} },
		"a double knows us":     func(m map[string]goPackage) { m["bot/bottest"] = goPackage{Deps: []string{"pullphone/store"}} },
	} {
		broken := maps.Clone(all)
		spoil(broken)
		if len(misplaced(broken)) == 0 {
			t.Errorf("not seen: %s", name)
		}
	}
}

// misplaced says what is not as the table has it.
func misplaced(all map[string]goPackage) (complaints []string) {
	for name, p := range all {
		allowed, known := mayImport[name]
		if !known {
			complaints = append(complaints, name+" is not in the table: which packages may it import, and which it?")
		}
		for _, i := range p.Imports {
			if ours, ok := strings.CutPrefix(i, "pullphone/"); ok && !slices.Contains(allowed, ours) {
				complaints = append(complaints, name+" imports "+ours)
			}
		}
	}
	for name := range mayImport {
		if _, ok := all[name]; !ok {
			complaints = append(complaints, name+" is in the table and nowhere else")
		}
	}
	for _, name := range doubles {
		for _, d := range all[name].Deps {
			if d == "testing" || strings.HasPrefix(d, "testing/") || d == "net/http/httptest" || strings.HasPrefix(d, "pullphone/") {
				complaints = append(complaints, name+" depends on "+d)
			}
		}
	}
	return complaints
}
