package twilio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"
	serverless "github.com/twilio/twilio-go/rest/serverless/v1"
)

// How long Deploy waits for Twilio to have a build ready, and to serve it: so many times a second. A build takes some
// ten seconds.
const deployPatience = 120

// Deploy has Twilio serve files, and returns once it does. What it serves already stays, but for paths that drop names:
// others may have put it there. Versions of files that are no longer served are deleted by Twilio after 30 days
// (twilio.com/changelog/changes-to-retention-policy-for-functions-and-assets).
func (c *Client) Deploy(ctx context.Context, clock clockwork.Clock, s *Site, files []File, drop func(path string) bool) error {
	if err := c.settle(ctx, s); err != nil {
		return err
	}
	assets := map[string]string{} // by name, left over from an attempt that failed
	err := c.serverless(ctx, func(api *serverless.ApiService) error {
		all, err := api.ListAsset(s.service, &serverless.ListAssetParams{})
		for _, v := range all {
			assets[value(v.FriendlyName)] = value(v.Sid)
		}
		return err
	})
	if err != nil {
		return err
	}
	versions := map[string]string{}
	for path, sid := range s.versions {
		if !drop(path) {
			versions[path] = sid
		}
	}
	for _, f := range files {
		if versions[f.Path] = s.versions[f.Path]; s.Serves(f.Path) {
			continue
		}
		if versions[f.Path], err = c.upload(ctx, s.service, assets[f.Path], f); err != nil {
			return err
		}
	}
	if err := c.publish(ctx, clock, s, versions); err != nil {
		return err
	}
	s.versions = versions
	for _, f := range files { // it takes the domain a moment to follow
		var why error
		err := again(ctx, clock, func() (bool, error) {
			_, why = c.Document(ctx, "GET "+s.URL(f.Path))
			return why == nil, nil
		})
		if err != nil {
			return fmt.Errorf("%s is not served: %w: %w", s.URL(f.Path), err, why)
		}
	}
	return nil
}

// settle makes the service and its environment, if need be.
func (c *Client) settle(ctx context.Context, s *Site) error {
	if s.service == "" {
		err := c.serverless(ctx, func(api *serverless.ApiService) error {
			p := &serverless.CreateServiceParams{}
			p.SetUniqueName(siteName)
			p.SetFriendlyName(siteName)
			p.SetIncludeCredentials(false)
			v, err := api.CreateService(p)
			if err == nil {
				s.service = value(v.Sid)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if s.environment != "" {
		return nil
	}
	return c.serverless(ctx, func(api *serverless.ApiService) error {
		p := &serverless.CreateEnvironmentParams{}
		p.SetUniqueName(siteName)
		v, err := api.CreateEnvironment(s.service, p)
		if err == nil {
			s.environment, s.Domain = value(v.Sid), value(v.DomainName)
		}
		return err
	})
}

// upload makes a version of an asset, and the asset if there is none, and returns the version's SID. The library cannot:
// content goes to a host of its own, as multipart/form-data (twilio.com/docs/serverless/api/resource/asset-version).
func (c *Client) upload(ctx context.Context, service, asset string, f File) (sid string, err error) {
	if asset == "" {
		err := c.serverless(ctx, func(api *serverless.ApiService) error {
			p := &serverless.CreateAssetParams{}
			p.SetFriendlyName(f.Path)
			v, err := api.CreateAsset(service, p)
			if err == nil {
				asset = value(v.Sid)
			}
			return err
		})
		if err != nil {
			return "", err
		}
	}
	var body bytes.Buffer // writes to it cannot fail
	form := multipart.NewWriter(&body)
	_ = form.WriteField("Path", f.Path)
	_ = form.WriteField("Visibility", "public")
	part, _ := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition("Content", f.Path[strings.LastIndexByte(f.Path, '/')+1:])},
		"Content-Type":        {f.Type},
	})
	_, _ = part.Write(f.Content)
	form.Close()
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost,
		"https://serverless-upload.twilio.com/v1/Services/"+url.PathEscape(service)+"/Assets/"+url.PathEscape(asset)+"/Versions", &body)
	if err != nil {
		return "", err
	}
	r.SetBasicAuth(c.sid, c.token)
	r.Header.Set("Content-Type", form.FormDataContentType())
	one := &call{Client: c, ctx: ctx}
	res, err := one.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		return "", one.refusal(res)
	}
	var v struct{ SID string }
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<16)).Decode(&v); err != nil {
		return "", fmt.Errorf("twilio: answer to an upload: %w", err)
	}
	return v.SID, nil
}

// publish bundles versions and has the environment serve the bundle.
func (c *Client) publish(ctx context.Context, clock clockwork.Clock, s *Site, versions map[string]string) error {
	var sids []string
	for _, sid := range versions {
		sids = append(sids, sid)
	}
	build := ""
	err := c.serverless(ctx, func(api *serverless.ApiService) error {
		p := &serverless.CreateBuildParams{}
		p.SetAssetVersions(sids)
		v, err := api.CreateBuild(s.service, p)
		if err == nil {
			build = value(v.Sid)
		}
		return err
	})
	if err != nil {
		return err
	}
	err = again(ctx, clock, func() (done bool, err error) {
		err = c.serverless(ctx, func(api *serverless.ApiService) error {
			v, err := api.FetchBuildStatus(s.service, build)
			if err != nil {
				return err
			}
			switch value(v.Status) {
			case "completed":
				done = true
			case "failed":
				return errors.New("failed")
			}
			return nil
		})
		return done, err
	})
	if err != nil {
		return fmt.Errorf("build of the files: %w", err)
	}
	return c.serverless(ctx, func(api *serverless.ApiService) error {
		p := &serverless.CreateDeploymentParams{}
		p.SetBuildSid(build)
		_, err := api.CreateDeployment(s.service, s.environment, p)
		return err
	})
}

// again asks once a second until something is done.
func again(ctx context.Context, clock clockwork.Clock, ask func() (bool, error)) error {
	for range deployPatience {
		if done, err := ask(); done || err != nil {
			return err
		}
		select {
		case <-clock.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("not ready after %d seconds", deployPatience)
}
