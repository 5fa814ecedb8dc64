// SPDX-License-Identifier: MIT
/*
 * svmctl demo: the file whose bytes are moved about, in memory from malloc().
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "demo.h"
#include "progress.h"
#include "svmctl.h"

/* Where distributions keep large files; the first with one is enough. */
static const char *const places[] = {
	"/boot", "/var/cache/apt/archives", "/usr/lib", "/usr/share", "/usr/bin", "/var/lib",
};

/* nftw() hands no argument through to its callback. */
static char *largest_path;
static off_t largest_size;

static int look_at(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	if (type != FTW_F || !S_ISREG(st->st_mode) || st->st_size <= largest_size)
		return 0;
	/* A file with holes has little to read. */
	if (st->st_blocks * 512 < st->st_size / 2 || access(path, R_OK))
		return 0;

	free(largest_path);
	largest_path = strdup(path);
	largest_size = st->st_size;
	return 0;
}

char *demo_find_file(void)
{
	size_t i;

	largest_path = NULL;
	largest_size = DEMO_MIN_BYTES - 1;
	for (i = 0; i < sizeof(places) / sizeof(places[0]) && !largest_path; i++)
		nftw(places[i], look_at, 16, FTW_PHYS | FTW_MOUNT);
	return largest_path;
}

static int read_all(int fd, struct demo *demo)
{
	uint64_t done = 0;
	ssize_t got;

	while (done < demo->file_bytes) {
		got = demo->file_bytes - done < DEMO_SLICE ? demo->file_bytes - done : DEMO_SLICE;
		got = read(fd, demo->memory + done, got);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			progress_clear();
			return failed("cannot read %s: %s", demo->path,
				      got ? strerror(errno) : "it became shorter");
		}
		done += got;
		progress_show("reading the file", done, demo->file_bytes);
	}
	progress_clear();
	return SVMCTL_OK;
}

static int allocate(struct demo *demo)
{
	const uint64_t page_size = sysconf(_SC_PAGESIZE);

	demo->bytes = (demo->file_bytes + page_size - 1) & ~(page_size - 1);
	demo->npages = demo->bytes / page_size;

	/* malloc() promises no page alignment: the pages are inside. */
	demo->allocation = malloc(demo->bytes + page_size);
	demo->pages = calloc(demo->npages, sizeof(*demo->pages));
	if (!demo->allocation || !demo->pages)
		return failed("no memory for the %ju bytes of %s: name a smaller file",
			      (uintmax_t)demo->bytes, demo->path);

	demo->memory = (void *)(((uintptr_t)demo->allocation + page_size - 1) &
				~(uintptr_t)(page_size - 1));
	demo->watched = (uintptr_t)demo->memory + demo->npages / 2 * page_size;
	return SVMCTL_OK;
}

int demo_read_file(struct demo *demo)
{
	struct stat st;
	int fd, ret;

	fd = open(demo->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failed("cannot open %s: %m: name a file that can be read", demo->path);

	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		ret = failed("%s is no regular file: name one of at least 64 MiB", demo->path);
		goto out;
	}
	if ((uint64_t)st.st_size < DEMO_MIN_BYTES) {
		ret = failed("%s has %jd bytes: name a file of at least 64 MiB", demo->path,
			     (intmax_t)st.st_size);
		goto out;
	}

	demo->file_bytes = st.st_size;
	ret = allocate(demo);
	if (!ret)
		ret = read_all(fd, demo);
out:
	close(fd);
	return ret;
}

void demo_hash(const struct demo *demo, char *text)
{
	uint64_t done, part;
	SHA2_CTX sha;

	SHA256Init(&sha);
	for (done = 0; done < demo->file_bytes; done += part) {
		part = demo->file_bytes - done;
		if (part > DEMO_SLICE)
			part = DEMO_SLICE;
		SHA256Update(&sha, demo->memory + done, part);
		progress_show("SHA-256", done + part, demo->file_bytes);
	}
	SHA256End(&sha, text);
	progress_clear();
}

void demo_touch(const struct demo *demo, const char *what)
{
	const volatile unsigned char *memory = demo->memory;
	uint64_t i;

	for (i = 0; i < demo->bytes; i += 64) {
		(void)memory[i];
		if (!(i & (DEMO_SLICE - 1)))
			progress_show(what, i, demo->bytes);
	}
	progress_clear();
}
