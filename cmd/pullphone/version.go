package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// version prints what was built, as Go's build information has it.
func version(_ context.Context, fs *flag.FlagSet, args []string, out io.Writer) error {
	if _, err := parse(fs, args, 0); err != nil {
		return err
	}
	v, commit := build()
	fmt.Fprintf(out, "pullphone %s%s, %s %s/%s\n", v, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// build says which version this is and, with a space before it, of which commit.
func build() (version, commit string) {
	version = "(devel)"
	changed := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				commit = " " + s.Value
			case s.Key == "vcs.modified" && s.Value == "true":
				changed = " with changes"
			}
		}
	}
	return version, commit + changed
}
