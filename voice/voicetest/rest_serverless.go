package voicetest

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The Serverless API (twilio.com/docs/serverless/api), as far as files are concerned: a service holds assets and their
// versions; a build bundles versions; a deployment lets an environment's domain serve a build.

// twilIO is the end of the names of all domains on which Twilio serves such files.
const twilIO = ".twil.io"

type service struct {
	sid, name, friendly, domain string
	created                     time.Time
	assets                      []*asset
	versions                    []*assetVersion
	builds                      []*build
	environments                []*environment
}

type asset struct {
	sid, name string
	created   time.Time
}

type assetVersion struct {
	sid, path, visibility, kind string
	asset                       *asset
	content                     []byte
	created                     time.Time
}

type build struct {
	sid      string
	versions []*assetVersion
	created  time.Time
}

type environment struct {
	sid, name, suffix, domain string
	created                   time.Time
	build                     *build // nil: nothing is deployed
}

const serverlessURL = "https://serverless.twilio.com"

// metaPage is page in the form of Twilio's younger APIs.
func metaPage[T any](a *apiRequest, key string, items []T, show func(T) object) object {
	o := page(a, key, items, show)
	at := func(uri any) any {
		if uri == nil {
			return nil
		}
		return serverlessURL + uri.(string)
	}
	return object{key: o[key], "meta": object{"key": key, "page": o["page"], "page_size": o["page_size"], "url": at(o["uri"]),
		"first_page_url": at(o["first_page_uri"]), "next_page_url": at(o["next_page_uri"]), "previous_page_url": at(o["previous_page_uri"])}}
}

// ofServiceLocked is the part that the resources of a service have in common.
func (n *Network) ofServiceLocked(s *service, sid, path string, created time.Time) object {
	return object{"sid": sid, "account_sid": n.opts.AccountSID, "service_sid": s.sid,
		"date_created": created.UTC().Format(time.RFC3339), "url": serverlessURL + "/v1/Services/" + s.sid + "/" + path}
}

// serviceLocked finds the service that a path names, by SID or unique name.
func (n *Network) serviceLocked(a *apiRequest) *service {
	id := a.path["ServiceSid"]
	i := slices.IndexFunc(n.services, func(s *service) bool { return s.sid == id || s.name == id })
	if i < 0 {
		return nil
	}
	return n.services[i]
}

// inService plays an operation on a service that must exist.
func inService(op func(*Network, *service, *apiRequest) (int, any, *apiError)) func(*Network, *apiRequest) (int, any, *apiError) {
	return func(n *Network, a *apiRequest) (int, any, *apiError) {
		if s := n.serviceLocked(a); s != nil {
			return op(n, s, a)
		}
		return 0, nil, notFound(a.url)
	}
}

func (n *Network) showService(s *service) object {
	return object{"sid": s.sid, "account_sid": n.opts.AccountSID, "unique_name": s.name, "friendly_name": s.friendly, "domain_base": s.domain,
		"include_credentials": false, "ui_editable": false, "date_created": s.created.UTC().Format(time.RFC3339),
		"date_updated": s.created.UTC().Format(time.RFC3339), "url": serverlessURL + "/v1/Services/" + s.sid}
}

func (n *Network) listServices(a *apiRequest) (int, any, *apiError) {
	return 200, metaPage(a, "services", n.services, n.showService), nil
}

var uniqueName = regexp.MustCompile(`^[a-zA-Z0-9-]{1,50}$`)

func (n *Network) createService(a *apiRequest) (int, any, *apiError) {
	name := a.form.Get("UniqueName")
	if !uniqueName.MatchString(name) || slices.ContainsFunc(n.services, func(s *service) bool { return s.name == name }) {
		return 0, nil, &apiError{400, 20001, "UniqueName is not valid or not unique"}
	}
	s := &service{sid: n.idLocked("ZS"), name: name, friendly: a.form.Get("FriendlyName"), created: n.clock.Now()}
	s.domain = fmt.Sprintf("%s-%04d", name, 1000+len(n.services))
	n.services = append(n.services, s)
	return 201, n.showService(s), nil
}

func (n *Network) listEnvironments(s *service, a *apiRequest) (int, any, *apiError) {
	return 200, metaPage(a, "environments", s.environments, func(e *environment) object { return n.showEnvironment(s, e) }), nil
}

func (n *Network) createEnvironment(s *service, a *apiRequest) (int, any, *apiError) {
	e := &environment{sid: n.idLocked("ZE"), name: a.form.Get("UniqueName"), suffix: a.form.Get("DomainSuffix"), created: n.clock.Now()}
	e.domain = s.domain + twilIO
	if e.suffix != "" {
		e.domain = s.domain + "-" + e.suffix + twilIO
	}
	if slices.ContainsFunc(s.environments, func(o *environment) bool { return o.name == e.name || o.suffix == e.suffix }) || len(e.suffix) > 16 {
		return 0, nil, &apiError{400, 20001, "UniqueName or DomainSuffix is not valid or not unique"}
	}
	s.environments = append(s.environments, e)
	return 201, n.showEnvironment(s, e), nil
}

func (n *Network) showEnvironment(s *service, e *environment) object {
	o := n.ofServiceLocked(s, e.sid, "Environments/"+e.sid, e.created)
	o["unique_name"], o["domain_suffix"], o["domain_name"], o["date_updated"], o["build_sid"] = e.name, orNull(e.suffix), e.domain, o["date_created"], nil
	if e.build != nil {
		o["build_sid"] = e.build.sid
	}
	return o
}

func (n *Network) listAssets(s *service, a *apiRequest) (int, any, *apiError) {
	return 200, metaPage(a, "assets", s.assets, func(f *asset) object { return n.showAsset(s, f) }), nil
}

func (n *Network) createAsset(s *service, a *apiRequest) (int, any, *apiError) {
	f := &asset{sid: n.idLocked("ZH"), name: a.form.Get("FriendlyName"), created: n.clock.Now()}
	s.assets = append(s.assets, f)
	return 201, n.showAsset(s, f), nil
}

func (n *Network) showAsset(s *service, f *asset) object {
	o := n.ofServiceLocked(s, f.sid, "Assets/"+f.sid, f.created)
	o["friendly_name"], o["date_updated"] = f.name, o["date_created"]
	return o
}

func (n *Network) showVersion(s *service, v *assetVersion) object {
	o := n.ofServiceLocked(s, v.sid, "Assets/"+v.asset.sid+"/Versions/"+v.sid, v.created)
	o["asset_sid"], o["path"], o["visibility"] = v.asset.sid, v.path, v.visibility
	return o
}

// uploadPath is where the content of an asset goes, on the host serverless-upload.twilio.com. Twilio's description leaves
// it out; it is told in twilio.com/docs/serverless/api/resource/asset-version.
var uploadPath = regexp.MustCompile(`^/v1/Services/([^/]+)/Assets/([^/]+)/Versions$`)

// upload takes a version of an asset: a multipart form of Path, Visibility and Content.
func (n *Network) upload(a *apiRequest, assetSID, contentType string, body []byte) (int, any, *apiError) {
	bad := func(format string, args ...any) (int, any, *apiError) {
		a.problems = append(a.problems, fmt.Sprintf(format, args...))
		return 0, nil, &apiError{400, 20001, fmt.Sprintf(format, args...)}
	}
	s := n.serviceLocked(a)
	if s == nil {
		return 0, nil, notFound(a.url)
	}
	i := slices.IndexFunc(s.assets, func(f *asset) bool { return f.sid == assetSID })
	if i < 0 {
		return 0, nil, notFound(a.url)
	}
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "multipart/form-data" {
		return bad("an upload must be multipart/form-data, not %q", contentType)
	}
	v := &assetVersion{sid: n.idLocked("ZN"), asset: s.assets[i], created: n.clock.Now()}
	for parts := multipart.NewReader(bytes.NewReader(body), params["boundary"]); ; {
		p, err := parts.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return bad("upload: %v", err)
		}
		data, err := io.ReadAll(p)
		if err != nil {
			return bad("upload: %v", err)
		}
		switch p.FormName() {
		case "Path":
			v.path = "/" + strings.TrimPrefix(string(data), "/")
		case "Visibility":
			v.visibility = string(data)
		case "Content":
			if v.content, v.kind = data, p.Header.Get("Content-Type"); p.FileName() == "" || v.kind == "" {
				return bad("Content: want a file with a Content-Type")
			}
		default:
			return bad("%s: an upload has no such parameter", p.FormName())
		}
	}
	if len(v.path) < 2 || len(v.path) > 255 || !slices.Contains([]string{"public", "protected", "private"}, v.visibility) || v.content == nil {
		return bad("upload: want Path, Visibility and Content; got %q, %q and %d bytes", v.path, v.visibility, len(v.content))
	}
	s.versions = append(s.versions, v)
	return 201, n.showVersion(s, v), nil
}

func (n *Network) createBuild(s *service, a *apiRequest) (int, any, *apiError) {
	b := &build{sid: n.idLocked("ZB"), created: n.clock.Now()}
	for _, sid := range a.form["AssetVersions"] {
		i := slices.IndexFunc(s.versions, func(v *assetVersion) bool { return v.sid == sid })
		if i < 0 || slices.ContainsFunc(b.versions, func(v *assetVersion) bool { return v.path == s.versions[i].path }) {
			return 0, nil, &apiError{400, 20001, "asset version " + sid + " is unknown, or its path is taken"}
		}
		b.versions = append(b.versions, s.versions[i])
	}
	if len(b.versions) == 0 {
		return 0, nil, &apiError{400, 20001, "a build needs versions of assets or functions"}
	}
	s.builds = append(s.builds, b)
	return 201, n.showBuild(s, b), nil
}

func (n *Network) showBuild(s *service, b *build) object {
	o := n.ofServiceLocked(s, b.sid, "Builds/"+b.sid, b.created)
	versions := []object{}
	for _, v := range b.versions {
		versions = append(versions, object{"sid": v.sid, "account_sid": n.opts.AccountSID, "service_sid": s.sid, "asset_sid": v.asset.sid,
			"date_created": v.created.UTC().Format(time.RFC3339), "path": v.path, "visibility": strings.ToUpper(v.visibility)})
	}
	o["asset_versions"], o["function_versions"], o["runtime"], o["status"], o["date_updated"] = versions, []object{}, "node22", n.statusLocked(b), o["date_created"]
	return o
}

func (n *Network) statusLocked(b *build) string {
	if n.clock.Since(b.created) < n.opts.BuildTime {
		return "building"
	}
	return statusCompleted
}

// ofBuild plays an operation on a build that must exist.
func ofBuild(show func(*Network, *service, *build) object) func(*Network, *apiRequest) (int, any, *apiError) {
	return inService(func(n *Network, s *service, a *apiRequest) (int, any, *apiError) {
		for _, b := range s.builds {
			if b.sid == a.path["Sid"] {
				return 200, show(n, s, b), nil
			}
		}
		return 0, nil, notFound(a.url)
	})
}

func (n *Network) showBuildStatus(s *service, b *build) object {
	o := n.ofServiceLocked(s, b.sid, "Builds/"+b.sid+"/Status", b.created)
	delete(o, "date_created")
	o["status"] = n.statusLocked(b)
	return o
}

func (n *Network) createDeployment(s *service, a *apiRequest) (int, any, *apiError) {
	e := slices.IndexFunc(s.environments, func(e *environment) bool { return e.sid == a.path["EnvironmentSid"] })
	if e < 0 {
		return 0, nil, notFound(a.url)
	}
	b := slices.IndexFunc(s.builds, func(b *build) bool { return b.sid == a.form.Get("BuildSid") })
	if b < 0 || n.statusLocked(s.builds[b]) != statusCompleted {
		return 0, nil, &apiError{400, 20001, "the build is unknown or not completed"}
	}
	s.environments[e].build = s.builds[b]
	sid := n.idLocked("ZD")
	o := n.ofServiceLocked(s, sid, "Environments/"+s.environments[e].sid+"/Deployments/"+sid, n.clock.Now())
	o["environment_sid"], o["build_sid"], o["date_updated"] = s.environments[e].sid, s.builds[b].sid, o["date_created"]
	return 201, o, nil
}

// serveFile is the domains of all environments. It is stricter than Twilio may be: only GET is certain there.
func (n *Network) serveFile(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	v := n.file(r.Host, r.URL.Path)
	if v == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", v.kind)
	w.Write(v.content)
}

// file finds the public file that is served at a domain and path.
func (n *Network) file(domain, path string) *assetVersion {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.services {
		for _, e := range s.environments {
			if e.domain != domain || e.build == nil {
				continue
			}
			for _, v := range e.build.versions {
				if v.path == path && v.visibility == "public" {
					return v
				}
			}
		}
	}
	return nil
}
