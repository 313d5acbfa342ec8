// Command pullphone turns the phone of a small team from push to pull: callers wait in a Twilio queue, the team is told
// by SMS and Slack, and whoever answers first takes the call or sends it to voicemail.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"pullphone/cmd/pullphone/config"
)

// command is one of the program's commands.
type command struct {
	name, args, does string
	run              func(ctx context.Context, fs *flag.FlagSet, args []string, out io.Writer) error
}

func commands() []command {
	return []command{
		{"demo", "[--listen ADDR | --script]", "try it in the browser, or watch five calls in the terminal, on a simulated telephone network and Slack", demo},
		{"serve", "--config FILE", "run the service", serve},
		{"setup", "--config FILE [--dry-run]", "point the lines' Twilio numbers at public_url and join the Slack channels", setup},
		{"check", "--config FILE", "say what works and what does not, and change nothing", check},
		{"manifest", "--config FILE", "print the Slack app manifest with the request URLs filled in", printManifest},
		{"calls", "--config FILE [--json] [--since 24h]", "print the call history", calls},
		{"backup", "--config FILE OUT", "copy the store, while the server runs or not", backup},
		{"forget", "--config FILE NUMBER", "erase one caller: calls, names, recordings, at Twilio too", forget},
		{"migrate", "--from STORE --to STORE", "copy a store from a file to etcd or back, while no server runs", migrate},
		{"version", "", "print version and build", version},
	}
}

// usageError is a command line that is wrong: exit 2.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errFailed means that a command has said itself what is wrong: exit 1 without another word.
var errFailed = errors.New("failed")

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// run runs one command line and returns the exit code: 0 done, 1 failed, 2 wrong usage.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	err := dispatch(ctx, args, out)
	_, usage := errors.AsType[usageError](err)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		help(out)
		return 0
	case errors.Is(err, errFailed):
		return 1
	}
	fmt.Fprintf(errs, "pullphone: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
	if usage {
		return 2
	}
	return 1
}

func dispatch(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return usagef("no command; pullphone help lists them, pullphone demo shows what it does")
	}
	name, args := args[0], args[1:]
	switch name {
	case "help", "-h", "-help", "--help":
		return flag.ErrHelp
	}
	for _, c := range commands() {
		if c.name != name {
			continue
		}
		fs := flag.NewFlagSet(name, flag.ContinueOnError)
		fs.SetOutput(io.Discard) // its errors come back, in one line
		return c.run(ctx, fs, args, out)
	}
	return usagef("no command %q; pullphone help lists them", name)
}

func help(out io.Writer) {
	fmt.Fprintln(out, "pullphone lets callers wait in a queue until somebody of the team pulls them out.")
	fmt.Fprintln(out)
	for _, c := range commands() {
		fmt.Fprintf(out, "  pullphone %s %s\n      %s\n", c.name, c.args, c.does)
	}
}

// parse reads a command's flags. Arguments may follow or precede them; rest is how many of those there must be.
func parse(fs *flag.FlagSet, args []string, rest int) ([]string, error) {
	var others []string
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, usagef("%s: %v", fs.Name(), err)
		}
		if fs.NArg() == 0 {
			break
		}
		others, args = append(others, fs.Arg(0)), fs.Args()[1:]
	}
	if len(others) != rest {
		return nil, usagef("%s takes %d arguments besides its flags, not %d; pullphone help shows them", fs.Name(), rest, len(others))
	}
	return others, nil
}

// configured reads a command's flags and the config file that --config names.
func configured(fs *flag.FlagSet, args []string, rest int) (*config.Config, []string, error) {
	file := fs.String("config", "", "")
	others, err := parse(fs, args, rest)
	if err != nil {
		return nil, nil, err
	}
	if *file == "" {
		return nil, nil, usagef("%s needs --config FILE", fs.Name())
	}
	cfg, err := config.Load(*file, os.LookupEnv)
	return cfg, others, err
}
