package twilio

import (
	"context"

	"github.com/twilio/twilio-go/client"
	serverless "github.com/twilio/twilio-go/rest/serverless/v1"
)

// siteName names the Serverless service of the account that holds our files, and begins its domain.
const siteName = "pullphone"

// Site is what Twilio serves of ours from a domain of its own, whatever becomes of this server: public assets of a
// Serverless service (twilio.com/docs/serverless/api). They can be had by GET; whether POST works is not documented.
type Site struct {
	Domain string // like pullphone-1234.twil.io; empty as long as there is none

	service, environment string            // SIDs
	versions             map[string]string // path → SID of the asset version that is served there
}

// Serves reports whether something is served at a path.
func (s *Site) Serves(path string) bool { return s.versions[path] != "" }

// URL is where a path is served.
func (s *Site) URL(path string) string { return "https://" + s.Domain + path }

// File is a file for a Site. What it holds never changes: another content has another path.
type File struct {
	Path    string // begins with a slash
	Type    string // Content-Type
	Content []byte
}

func (c *Client) serverless(ctx context.Context, fn func(*serverless.ApiService) error) error {
	return c.do(ctx, func(b client.BaseClient) error { return fn(serverless.NewApiServiceWithClient(b)) })
}

// Site asks what the account serves, and changes nothing.
func (c *Client) Site(ctx context.Context) (*Site, error) {
	s := &Site{versions: map[string]string{}}
	// All are listed, though one can be asked for by name: that an account has none is not to be mistaken for an API
	// that does not know of services.
	err := c.serverless(ctx, func(api *serverless.ApiService) error {
		all, err := api.ListService(&serverless.ListServiceParams{})
		for _, v := range all {
			if value(v.UniqueName) == siteName {
				s.service = value(v.Sid)
			}
		}
		return err
	})
	if err != nil || s.service == "" {
		return s, err
	}
	build := ""
	err = c.serverless(ctx, func(api *serverless.ApiService) error {
		all, err := api.ListEnvironment(s.service, &serverless.ListEnvironmentParams{})
		for _, v := range all {
			if value(v.UniqueName) == siteName {
				s.environment, s.Domain, build = value(v.Sid), value(v.DomainName), value(v.BuildSid)
			}
		}
		return err
	})
	if err != nil || build == "" {
		return s, err
	}
	return s, c.serverless(ctx, func(api *serverless.ApiService) error {
		b, err := api.FetchBuild(s.service, build)
		if err != nil {
			return err
		}
		for _, v := range value(b.AssetVersions) {
			v, _ := v.(map[string]any)
			path, _ := v["path"].(string)
			sid, _ := v["sid"].(string)
			s.versions[path] = sid
		}
		return nil
	})
}
