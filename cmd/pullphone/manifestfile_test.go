package main

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite manifest.yml of the repository")

// TestManifestFile keeps the manifest in the repository the one that the program prints.
func TestManifestFile(t *testing.T) {
	const path = "../../manifest.yml"
	want := manifest(placeholder, false)
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("manifest.yml is not what the program prints for %s; run go test ./cmd/pullphone -run TestManifestFile -update", placeholder)
	}
}
