package bottest_test

import (
	"os/exec"
	"strings"
	"testing"
)

// A shipped binary runs on this package, so nothing it imports may come from a test library; and nothing may come from
// the program under test or its Slack client, whose mistakes it would share.
func TestImports(t *testing.T) {
	out, err := exec.CommandContext(ctxOf(t), "go", "list", "-deps", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, dep := range strings.Fields(string(out)) {
		if dep == "testing" || strings.HasPrefix(dep, "testing/") || strings.HasSuffix(dep, "/httptest") ||
			strings.Contains(dep, "slack-go") || strings.HasPrefix(dep, "pullphone/") && dep != "pullphone/bot/bottest" {
			t.Errorf("imports %s", dep)
		}
	}
}
