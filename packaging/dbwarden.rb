# A formula for Homebrew. It builds from the source of a tag, as Homebrew
# wants it: put the tag's version and the archive's sum in.
class Dbwarden < Formula
  desc "Database migrations in plain SQL, one run at a time"
  homepage "https://github.com/dbwarden-go/dbwarden"
  url "https://github.com/dbwarden-go/dbwarden/archive/refs/tags/v@VERSION@.tar.gz"
  sha256 "@SHA256@"
  license "Apache-2.0"
  head "https://github.com/dbwarden-go/dbwarden.git", branch: "main"

  depends_on "go" => :build

  def install
    ENV["CGO_ENABLED"] = "0"
    system "go", "build", *std_go_args(ldflags: "-s -w -X main.version=#{version} -X main.date=#{time.iso8601}"), "./cmd/dbwarden"
    generate_completions_from_executable(bin/"dbwarden", "completion")
    system bin/"dbwarden", "man", buildpath/"man"
    man1.install Dir["man/*.1"]
  end

  test do
    system bin/"dbwarden", "init"
    (testpath/"migrations/0001_users.sql").write "-- upgrade\nCREATE TABLE users (id INTEGER PRIMARY KEY);\n"
    system bin/"dbwarden", "migrate"
    assert_match "INACTIVE", shell_output("#{bin}/dbwarden lock-status")
  end
end
