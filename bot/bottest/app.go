package bottest

import (
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// App is where Slack sends what happens.
type App struct {
	Interactivity string             // request URL for button presses
	Commands      map[string]Command // by command, with its slash
	Events        string             // request URL of the Events API
	SocketMode    bool               // nothing goes to the URLs, all through the socket
	Scopes        []string           // when set, they are granted in place of Options.Scopes
}

// Command is where a slash command goes.
type Command struct {
	URL          string
	ShouldEscape bool // names of people and channels arrive as <@U…|name> and <#C…|name>
}

// Configure installs the app with these URLs in place of the earlier ones.
func (w *Workspace) Configure(a App) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a.Commands = maps.Clone(a.Commands)
	w.app = a
	if len(a.Scopes) > 0 {
		w.scopes = slices.Clone(a.Scopes)
	}
}

// ReadManifest reads an App from a Slack app manifest in YAML or JSON.
func ReadManifest(manifest []byte) (App, error) {
	var m struct {
		Features struct {
			SlashCommands []struct {
				Command      string
				URL          string `yaml:"url"`
				ShouldEscape bool   `yaml:"should_escape"`
			} `yaml:"slash_commands"`
		}
		OAuth struct {
			Scopes struct {
				Bot      []string
				Optional []string `yaml:"bot_optional"`
			}
		} `yaml:"oauth_config"`
		Settings struct {
			Interactivity struct {
				Enabled bool   `yaml:"is_enabled"`
				URL     string `yaml:"request_url"`
			}
			Events struct {
				URL string `yaml:"request_url"`
			} `yaml:"event_subscriptions"`
			SocketMode bool `yaml:"socket_mode_enabled"`
		}
	}
	if err := yaml.Unmarshal(manifest, &m); err != nil {
		return App{}, fmt.Errorf("bottest: manifest: %w", err)
	}
	for _, s := range m.OAuth.Scopes.Optional {
		// docs.slack.dev/authentication/installing-with-oauth
		if !slices.Contains(m.OAuth.Scopes.Bot, s) {
			return App{}, fmt.Errorf("bottest: manifest: the optional scope %s must stand among the bot's scopes too", s)
		}
	}
	a := App{
		Commands:   map[string]Command{},
		Events:     m.Settings.Events.URL,
		SocketMode: m.Settings.SocketMode,
		Scopes:     m.OAuth.Scopes.Bot,
	}
	if m.Settings.Interactivity.Enabled {
		a.Interactivity = m.Settings.Interactivity.URL
	}
	for _, c := range m.Features.SlashCommands {
		a.Commands[c.Command] = Command{URL: c.URL, ShouldEscape: c.ShouldEscape}
	}
	return a, nil
}
