// The benchmark's method on gRPC C++, callback API: the same fields and the same checks as our own server.
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "ratings.grpc.pb.h"

namespace {

using reelay::bench::RateTitleRequest;
using reelay::bench::Rating;
using reelay::bench::TitleKind_IsValid;
using reelay::bench::TITLE_KIND_UNSPECIFIED;

constexpr size_t kReviewBytesMax = 50'000;
constexpr int64_t kAheadSecondsMax = 300;

bool IsHexDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool IsUUID(const std::string& text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen ? text[i] != '-' : !IsHexDigit(text[i])) return false;
  }
  return true;
}

int64_t NowSeconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

// What is wrong with a request, or nothing.
const char* Fault(const RateTitleRequest& request, int64_t now) {
  if (!IsUUID(request.user())) return "user is no UUID";
  if (!IsUUID(request.title())) return "title is no UUID";
  if (request.kind() == TITLE_KIND_UNSPECIFIED || !TitleKind_IsValid(request.kind())) return "kind is unknown";
  if (request.rating_tenths() < 1 || request.rating_tenths() > 100) return "rating is out of range";
  if (request.has_review() && (request.review().empty() || request.review().size() > kReviewBytesMax)) {
    return "review is empty or too long";
  }
  if (request.has_rated_at() && request.rated_at().seconds() > now + kAheadSecondsMax) return "date in the future";
  return nullptr;
}

class RatingsService final : public reelay::bench::Ratings::CallbackService {
  grpc::ServerUnaryReactor* RateTitle(
      grpc::CallbackServerContext* context, const RateTitleRequest* request, Rating* rating) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    const int64_t now = NowSeconds();
    if (const char* fault = Fault(*request, now)) {
      reactor->Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, fault));
      return reactor;
    }
    rating->set_title(request->title());
    rating->set_kind(request->kind());
    rating->set_rating_tenths(request->rating_tenths());
    if (request->has_review()) rating->set_review(request->review());
    rating->set_spoiler(request->spoiler());
    rating->mutable_rated_at()->set_seconds(request->has_rated_at() ? request->rated_at().seconds() : now);
    rating->mutable_updated_at()->set_seconds(now);
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s PORT\n", argv[0]);
    return 2;
  }
  RatingsService service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(std::string("127.0.0.1:") + argv[1], grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  std::unique_ptr<grpc::Server> server(builder.BuildAndStart());
  if (!server) return 1;
  server->Wait();
  return 0;
}
