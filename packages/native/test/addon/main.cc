// Runs the tests of the tunnel's pure parts, then the fuzz targets over their seeds: the directories named as arguments.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

namespace flannel::tunnel {
void checksumTests();
void routeTableTests();
void coalescerTests();
void segmenterTests();
void icmpTests();
void unfinishedTests();
void sendQueueTests();
void trafficClassTests();
}  // namespace flannel::tunnel

// The fuzz targets' entry points, renamed by the compiler's command line.
extern "C" int fuzzReceive(const std::uint8_t* data, std::size_t size);
extern "C" int fuzzTransmit(const std::uint8_t* data, std::size_t size);

namespace {

void replay(const char* directory, int (*target)(const std::uint8_t*, std::size_t)) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::vector<char> seed{std::istreambuf_iterator<char>(file), {}};
    const std::vector<std::uint8_t> bytes(seed.begin(), seed.end());
    target(bytes.data(), bytes.size());
  }
}

}  // namespace

int main(int, char** arguments) {
  flannel::tunnel::checksumTests();
  flannel::tunnel::routeTableTests();
  flannel::tunnel::coalescerTests();
  flannel::tunnel::segmenterTests();
  flannel::tunnel::icmpTests();
  flannel::tunnel::unfinishedTests();
  flannel::tunnel::sendQueueTests();
  flannel::tunnel::trafficClassTests();
  replay(arguments[1], fuzzReceive);
  replay(arguments[2], fuzzTransmit);
  std::puts("all passed");
}
